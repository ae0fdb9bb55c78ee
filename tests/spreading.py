"""Which tests go to one worker together, and in which order everything begins."""

from collections import defaultdict

import pytest

LONGEST = (
    *("browser", "outages", "chaos", "celery", "test_rollout_handover", "test_scaling_crash"),
    *("model-calls", "deployments", "bad-pools"),
)
"""The groups that would end last if they began late, the longest of them first."""
AT_ONCE = 3
"""So many groups begin first: they wait more than they work, and leave the cores to what follows them."""
KEPT = 0.3
"""The share of the small tests that come last, so that all workers end together."""


def keep_together(items: list[pytest.Item]) -> None:
    """Tests of a module with fixtures of its own stay together, so that only one worker makes these."""
    modules = with_fixtures_of_their_own(items)
    for item in items:
        if group_of(item) is None and module_of(item) in modules:
            item.add_marker(pytest.mark.xdist_group(item.path.stem))


def with_fixtures_of_their_own(items: list[pytest.Item]) -> set[str]:
    """The modules that make something once for all their tests."""
    known = items[0].session._fixturemanager._arg2fixturedefs.values() if items else ()
    return {each.baseid for named in known for each in named if each.scope == "module"}


def module_of(item: pytest.Item) -> str:
    return item.nodeid.split("::")[0]


def group_of(item: pytest.Item) -> str | None:
    mark = item.get_closest_marker("xdist_group")
    return str(mark.args[0]) if mark else None


def in_turn(items: list[pytest.Item]) -> list[pytest.Item]:
    """The longest groups, then one more after each bunch of the tests that go anywhere."""
    groups: defaultdict[str | None, list[pytest.Item]] = defaultdict(list)
    for item in items:
        groups[group_of(item)].append(item)
    small = groups.pop(None, [])
    ordered = [groups[name] for name in sorted(groups, key=rank)]
    later = ordered[AT_ONCE:]
    bunch = round(len(small) * (1 - KEPT) / max(len(later), 1))
    found = [item for group in ordered[:AT_ONCE] for item in group]
    for place, group in enumerate(later):
        found += small[place * bunch : (place + 1) * bunch] + group
    return found + small[len(later) * bunch :]


def rank(group: str | None) -> tuple[int, str]:
    """The longest first, the others by name."""
    return (LONGEST.index(group) if group in LONGEST else len(LONGEST), group or "")
