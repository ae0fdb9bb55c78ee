"""What pools decided and what happened: the lock, the intents, the history."""

from apps.pools.models.holding import Holding
from apps.pools.models.intent import Intent
from apps.pools.models.record import PoolRecord

__all__ = ["Holding", "Intent", "PoolRecord"]
