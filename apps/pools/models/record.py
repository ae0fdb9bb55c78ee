"""One row per pool: the lock under which changes of hands are decided, one after another."""

from django.db import models

from apps.clusters.models import Cluster


class PoolRecord(models.Model):
    """A pool, named by its Deployment.

    `moves` counts what was decided; an intent carries the count at its last change, so that a decision can
    see whether anything that it rests on has changed since the cluster was read.
    """

    cluster = models.ForeignKey(Cluster, on_delete=models.CASCADE, related_name="pools")
    namespace = models.CharField(max_length=63)
    name = models.CharField(max_length=63)
    moves = models.PositiveBigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["cluster", "namespace", "name"], name="pools_record_place")
        ]

    def __str__(self) -> str:
        return f"{self.cluster.slug}/{self.namespace}/{self.name}"
