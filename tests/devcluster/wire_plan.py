"""What a plan says of one recorded file: what stands in the cluster, what happens, what is newer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.devcluster.wire import Json, Stage

Adapt = Callable[[Any], Any]
Act = Callable[[Stage, Json], None]
Seed = Callable[[Stage, list[Json]], None]
NEWER = "newer servers differ: "


@dataclass
class Plan:
    """One file's staging. Indexes count its exchanges."""

    file: str
    seed: Seed = lambda stage, exchanges: None
    before: dict[int, Act] = field(default_factory=dict)
    adapt: dict[int, Adapt] = field(default_factory=dict)
    skip: dict[int, str] = field(default_factory=dict)
    asked: dict[int, Callable[[Json], Json]] = field(default_factory=dict)
    during: dict[int, Act] = field(default_factory=dict)
    only: tuple[int, ...] | None = None
    fresh: bool = False
    echo_status: bool = False
