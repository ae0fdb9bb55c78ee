"""Pages of deployments, pods and services."""
