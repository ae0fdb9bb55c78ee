"""Lending a pool's pods to businesses: change of hands, business services, history (docs/pools.md)."""
