"""The stack around the portal on one machine: embedded Postgres and Valkey, the supervisor, demo and smoke.

Nothing here runs in production: there PORTAL_DATABASE_URL and PORTAL_REDIS_URL name real servers.
"""
