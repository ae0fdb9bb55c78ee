"""A real pool for what is checked on live objects."""

from tests.pools.conftest import stage, world

__all__ = ["stage", "world"]
