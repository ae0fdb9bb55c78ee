"""How a pool's live pods are split: `production(2) | testing(1) | unassigned(1)`."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from apps.gateways import labels


@dataclass(frozen=True)
class PoolStatus:
    """Live pods per business; businesses with a service are there even with none, `unassigned` comes last."""

    total: int
    distribution: Mapping[str, int]

    @property
    def free(self) -> int:
        """Pods that nobody has: only they may be scaled away."""
        return self.distribution[labels.UNASSIGNED]

    @property
    def line(self) -> str:
        """The split in one line."""
        return " | ".join(f"{business}({count})" for business, count in self.distribution.items())


def status_of(businesses: Iterable[str], tags: Iterable[str]) -> PoolStatus:
    """Count the businesses of live pods; `tags` are those that have a service."""
    counts = Counter(businesses)
    reserved = {word for word in counts if labels.is_reserved(word)} - {labels.UNASSIGNED}
    names = sorted((set(counts) | set(tags)) - labels.RESERVED)
    ordered = [*names, *sorted(reserved), labels.UNASSIGNED]
    return PoolStatus(total=counts.total(), distribution={business: counts[business] for business in ordered})
