"""The last minutes of every pod, in Valkey: nothing that must survive, and too restless for the database."""

import time
from collections.abc import Iterable, Mapping

import msgspec
import structlog
from django.core.cache import cache
from redis.exceptions import RedisError

from apps.pools.load.metrics import Reading

logger = structlog.get_logger(__name__)
SAMPLES = 60
KEPT_SECONDS = 900
FRESH_SECONDS = 45


class Sample(msgspec.Struct, frozen=True, array_like=True):
    """A pod at one moment (`at`, epoch seconds): what its engine said, and rates since the moment before.

    `tokens` are generated per second; `first` is the mean time to first token in seconds of the answers that
    began in between, None when none did; `begun` is how many those were.
    """

    at: int
    running: int
    waiting: int
    cache: float | None = None
    tokens: float = 0.0
    first: float | None = None
    begun: float = 0.0


class PodLoad(msgspec.Struct, frozen=True, array_like=True):
    """A pod's last minutes, oldest first; the next rates are counted from `reading` and `read_at`."""

    samples: tuple[Sample, ...] = ()
    reading: Reading | None = None
    read_at: float = 0.0

    @property
    def now(self) -> Sample | None:
        """The newest sample, unless it is too old to be called so."""
        last = self.samples[-1] if self.samples else None
        return last if last and time.time() - last.at < FRESH_SECONDS else None

    def grown(self, reading: Reading, at: float) -> "PodLoad":
        """With one more sample; the oldest goes."""
        fresh = sampled(self, reading, at)
        return PodLoad((*self.samples[1 - SAMPLES :], fresh), reading, at)


DECODER = msgspec.msgpack.Decoder(PodLoad)


def sampled(before: PodLoad, reading: Reading, at: float) -> Sample:
    """A reading as a sample. An engine whose counters fell has restarted: its rates begin anew."""
    sample = Sample(int(at), reading.running, reading.waiting, reading.cache)
    last, seconds = before.reading, at - before.read_at
    if last is None or seconds <= 0 or reading.tokens < last.tokens or reading.firsts < last.firsts:
        return sample
    begun = reading.firsts - last.firsts
    first = max(0.0, reading.first_seconds - last.first_seconds) / begun if begun else None
    tokens = (reading.tokens - last.tokens) / seconds
    return msgspec.structs.replace(sample, tokens=tokens, first=first, begun=begun)


def loads(cluster_id: int, uids: Iterable[str]) -> Mapping[str, PodLoad]:
    """Pod uid -> its last minutes, for those that are known; nothing while Valkey is away."""
    keys = [key(cluster_id, uid) for uid in uids]
    try:
        found = cache.get_many(keys) if keys else {}
    except RedisError as error:
        logger.warning("load_unreadable", error=str(error))
        return {}
    return {name.rpartition(":")[2]: load for name, text in found.items() if (load := decoded(text))}


def decoded(text: bytes) -> PodLoad | None:
    """The kept minutes; None for what another version of the portal has kept in another shape."""
    try:
        return DECODER.decode(text)
    except msgspec.DecodeError:
        return None


def keep(cluster_id: int, grown: Mapping[str, PodLoad]) -> None:
    """Write the pods' minutes; they are forgotten a quarter of an hour after the last. RedisError."""
    texts = {key(cluster_id, uid): msgspec.msgpack.encode(load) for uid, load in grown.items()}
    if texts:
        cache.set_many(texts, timeout=KEPT_SECONDS)


def key(cluster_id: int, uid: str) -> str:
    """Where a pod's minutes are."""
    return f"pools:load:{cluster_id}:{uid}"
