"""The size of a pool: up by a compared patch, down by the fenced detach (docs/pools.md)."""
