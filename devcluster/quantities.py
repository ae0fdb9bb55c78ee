"""Kubernetes quantities ("500m", "4Gi", "2") as numbers and back."""

from __future__ import annotations

import math
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from functools import lru_cache

from devcluster.objects import Json

Amounts = dict[str, Decimal]

_FACTORS = {
    "": Decimal(1),
    "n": Decimal("1e-9"),
    "u": Decimal("1e-6"),
    "m": Decimal("1e-3"),
    "k": Decimal(10**3),
    "M": Decimal(10**6),
    "G": Decimal(10**9),
    "T": Decimal(10**12),
    "P": Decimal(10**15),
    "E": Decimal(10**18),
    "Ki": Decimal(2**10),
    "Mi": Decimal(2**20),
    "Gi": Decimal(2**30),
    "Ti": Decimal(2**40),
    "Pi": Decimal(2**50),
    "Ei": Decimal(2**60),
}


@lru_cache(maxsize=4096)
def _parse(text: str) -> Decimal:
    for cut in (2, 1):
        if text[-cut:] in _FACTORS:
            return Decimal(text[:-cut]) * _FACTORS[text[-cut:]]
    return Decimal(text)


def quantity(value: object) -> Decimal:
    """A quantity as a number; ValueError when it is none."""
    try:
        return _parse(str(value).strip())
    except InvalidOperation as error:
        raise ValueError(f"not a quantity: {value!r}") from error


def amounts(named: Json | None) -> Amounts:
    """A ResourceList as numbers."""
    return {name: quantity(value) for name, value in (named or {}).items()}


def add(left: Amounts, right: Amounts) -> Amounts:
    return {
        name: left.get(name, Decimal(0)) + right.get(name, Decimal(0)) for name in left.keys() | right.keys()
    }


def pod_requests(spec: Json, field: str = "requests") -> Amounts:
    """What a pod asks for: the sum of its containers, or its largest init container, as upstream counts.

    `field` is "requests" or "limits"; a limit without a request counts as the request.
    """
    total: Amounts = {}
    for container in spec.get("containers") or ():
        total = add(total, _container(container, field))
    for container in spec.get("initContainers") or ():
        for name, value in _container(container, field).items():
            total[name] = max(total.get(name, Decimal(0)), value)
    return add(total, amounts(spec.get("overhead")))


def _container(container: Json, field: str) -> Amounts:
    resources = container.get("resources") or {}
    limits = amounts(resources.get("limits"))
    return limits if field == "limits" else {**limits, **amounts(resources.get("requests"))}


def written(value: Decimal, name: str = "") -> str:
    """A number in the form the API shows it: whole, milli for cpu, binary units for memory."""
    if value != value.to_integral_value():
        return f"{math.ceil(value * 1000)}m"
    whole = int(value)
    if name.endswith(("memory", "storage")) and whole:
        for unit in ("Ti", "Gi", "Mi", "Ki"):
            factor = int(_FACTORS[unit])
            if whole % factor == 0:
                return f"{whole // factor}{unit}"
    return str(whole)


def total(parts: Iterable[Amounts]) -> Amounts:
    result: Amounts = {}
    for part in parts:
        result = add(result, part)
    return result
