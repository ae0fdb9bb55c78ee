"""What pools decided and what happened: the lock, the intents, the history, shares and rollouts."""

from apps.pools.models.holding import Holding
from apps.pools.models.intent import Intent
from apps.pools.models.price import NodePrice
from apps.pools.models.record import PoolRecord
from apps.pools.models.rollout import Rollout
from apps.pools.models.share import Aside, Share, ShareException, SharePolicy
from apps.pools.models.turn import Turn

__all__ = [
    "Aside",
    "Holding",
    "Intent",
    "NodePrice",
    "PoolRecord",
    "Rollout",
    "Share",
    "ShareException",
    "SharePolicy",
    "Turn",
]
