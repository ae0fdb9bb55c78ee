"""When the reconciler looks at a pool, who is at it, and what it waits for."""

from django.db import models

from apps.pools.models.record import PoolRecord


class Turn(models.Model):
    """One pool's place in the reconciler's round. `due_at`: somebody saw a change; `again_at`: there may be
    something to do then without any change; `taken_until`: a worker is at it; `waits`: sentences about what
    it cannot do now.
    """

    pool = models.OneToOneField(PoolRecord, on_delete=models.CASCADE, related_name="turn")
    due_at = models.DateTimeField(null=True, blank=True)
    again_at = models.DateTimeField(null=True, blank=True)
    taken_until = models.DateTimeField(null=True, blank=True)
    looked_at = models.DateTimeField(null=True, blank=True)
    waits = models.JSONField(default=list)

    def __str__(self) -> str:
        return f"{self.pool}: due {self.due_at}"
