"""Loads as pages show them: a pod's or a business' numbers of now, and a small line of the last minutes."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from apps.pools.load.ring import PodLoad, Sample

WIDTH, HEIGHT = 96, 20
MINUTES = 10


@dataclass(frozen=True)
class Plot:
    """Numbers of now and a line. `points` are an SVG polyline's within WIDTH x HEIGHT, of requests in hand;
    `most` is the line's highest. `first` is in ms, `cache` in percent, None when they are not known.
    """

    running: int
    waiting: int
    tokens: int
    cache: int | None
    first: int | None
    points: str
    most: int


def plot_of(load: PodLoad | None) -> Plot | None:
    """One pod's plot; None while its engine tells nothing."""
    return plot(load.samples, load.now) if load and load.now else None


def plot_together(pods: Iterable[PodLoad | None]) -> Plot | None:
    """The plot of pods together; None while none of them tells anything."""
    known = [load for load in pods if load and load.now]
    if not known:
        return None
    at: defaultdict[int, list[Sample]] = defaultdict(list)
    for load in known:
        for sample in load.samples:
            at[sample.at].append(sample)
    samples = [added(at[moment]) for moment in sorted(at)]
    return plot(samples, added([load.now for load in known if load.now]))


def added(samples: Sequence[Sample]) -> Sample:
    """Several pods at one moment: requests and tokens summed, cache averaged, first tokens weighted."""
    caches = [sample.cache for sample in samples if sample.cache is not None]
    begun = sum(sample.begun for sample in samples)
    waited = sum(sample.first * sample.begun for sample in samples if sample.first is not None)
    return Sample(
        at=max(sample.at for sample in samples),
        running=sum(sample.running for sample in samples),
        waiting=sum(sample.waiting for sample in samples),
        cache=sum(caches) / len(caches) if caches else None,
        tokens=sum(sample.tokens for sample in samples),
        first=waited / begun if begun else None,
        begun=begun,
    )


def plot(samples: Sequence[Sample], now: Sample) -> Plot:
    """Numbers and line of samples in their order."""
    hands = [sample.running + sample.waiting for sample in samples]
    return Plot(
        running=now.running,
        waiting=now.waiting,
        tokens=round(now.tokens),
        cache=None if now.cache is None else round(now.cache * 100),
        first=None if now.first is None else round(now.first * 1000),
        points=line([sample.at for sample in samples], hands, now.at),
        most=max(hands, default=0),
    )


def line(times: Sequence[int], values: Sequence[int], now: int) -> str:
    """ "0,19 48,10 96,1": the right edge is now, the left one ten minutes ago."""
    top = max(1, *values) if values else 1
    seconds = MINUTES * 60
    places = [
        (WIDTH - (now - at) * WIDTH / seconds, HEIGHT - 1 - value * (HEIGHT - 2) / top)
        for at, value in zip(times, values, strict=True)
        if now - at <= seconds
    ]
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
