"""What each business cost: its pods' part of their nodes' hours, at the admins' prices."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from django.db.models import DateTimeField, DurationField, ExpressionWrapper, F, Sum, Value
from django.db.models.functions import Coalesce, Greatest, Least

from apps.pools.history.selectors import Holdings, during
from apps.pools.models import Holding, NodePrice

HOUR = timedelta(hours=1)


@dataclass
class Cost:
    """One business' hours. `amounts` by currency; `unpriced` GPU-hours by instance type without a price ("":
    type unknown, or the pod has no GPU to reckon its part by).
    """

    business: str
    pod_hours: float = 0.0
    gpu_hours: float = 0.0
    amounts: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    unpriced: dict[str, float] = field(default_factory=lambda: defaultdict(float))

    @property
    def priced(self) -> list[tuple[str, Decimal]]:
        """Amounts by currency."""
        return sorted(self.amounts.items())

    @property
    def without_price(self) -> list[tuple[str, float]]:
        """GPU-hours by instance type that no price covers."""
        return sorted(self.unpriced.items())

    def add(
        self, hours: float, gpus: int, node_gpus: int, instance_type: str, price: NodePrice | None
    ) -> None:
        """Hours of pods of `gpus` GPUs on a node of `node_gpus`: price x gpus / node_gpus for each hour."""
        self.pod_hours += hours
        self.gpu_hours += hours * gpus
        if price is None or not gpus or not node_gpus:
            self.unpriced[instance_type] += hours * gpus
            return
        part = Decimal(gpus) / Decimal(node_gpus)
        self.amounts[price.currency] += Decimal(str(hours)) * price.price * part


@dataclass(frozen=True)
class Rate:
    """What pods cost in an hour, by currency; `partly`: there are some whose price nobody knows."""

    amounts: tuple[tuple[str, Decimal], ...]
    partly: bool


def hourly(held: Iterable[Holding], prices: Mapping[str, NodePrice]) -> Rate | None:
    """The rate of the pods of open intervals; None where no price covers any of them."""
    cost = Cost("")
    for item in held:
        cost.add(1.0, item.gpus, item.node_gpus, item.instance_type, prices.get(item.instance_type))
    return Rate(tuple(cost.priced), bool(cost.unpriced)) if cost.amounts else None


def known_prices() -> dict[str, NodePrice]:
    """All prices by instance type."""
    return {price.instance_type: price for price in NodePrice.objects.all()}


def costs(found: Holdings, *, since: datetime, until: datetime) -> list[Cost]:
    """By business, for the part of each interval that lies in the time (`until` is not in the future)."""
    prices = known_prices()
    by_business: dict[str, Cost] = {}
    for business, instance_type, gpus, node_gpus, time in spans(found, since, until):
        cost = by_business.setdefault(business, Cost(business))
        cost.add(time / HOUR, gpus, node_gpus, instance_type, prices.get(instance_type))
    return sorted(by_business.values(), key=lambda cost: cost.business)


def spans(
    found: Holdings, since: datetime, until: datetime
) -> Iterable[tuple[str, str, int, int, timedelta]]:
    """(business, instance type, GPUs of the pod, of the node, time in all), summed by the database."""
    end = Value(until, output_field=DateTimeField())
    begin = Value(since, output_field=DateTimeField())
    inside = Least(Coalesce(F("to_at"), end), end) - Greatest(F("from_at"), begin)
    kinds = ("business", "instance_type", "gpus", "node_gpus")
    timed = during(found, since, until).order_by().values(*kinds)
    total = Sum(ExpressionWrapper(inside, output_field=DurationField()))
    found_spans: Iterable[tuple[str, str, int, int, timedelta]] = timed.annotate(time=total).values_list(
        *kinds, "time"
    )
    return found_spans
