"""The cluster, Valkey and Postgres go away and come back under the whole portal, which is not restarted."""
