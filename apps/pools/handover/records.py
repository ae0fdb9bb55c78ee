"""The pool's row: found, locked, counted on."""

from django.db import transaction
from django.db.models import F

from apps.live import topics
from apps.live.publish import publish
from apps.pools.models import Intent, PoolRecord


def record_of(cluster_id: int, namespace: str, name: str) -> PoolRecord:
    """The pool's row, made at its first use."""
    return PoolRecord.objects.get_or_create(cluster_id=cluster_id, namespace=namespace, name=name)[0]


def lock(pk: int) -> PoolRecord:
    """The row, locked until the running transaction ends."""
    return PoolRecord.objects.select_for_update().get(pk=pk)


def count(record: PoolRecord) -> int:
    """Count one decision or outcome on the locked row, and have pages look again. Returns the new count."""
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("A pool's decisions are counted inside the transaction that holds its lock.")
    record.moves += 1
    PoolRecord.objects.filter(pk=record.pk).update(moves=F("moves") + 1)
    publish(topics.pool(record.cluster_id, record.namespace, record.name))
    return record.moves


def stamp_serial(record: PoolRecord, intent: Intent) -> None:
    """Give the intent the pool's new count."""
    intent.serial = count(record)
