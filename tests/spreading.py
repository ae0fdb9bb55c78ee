"""Which tests go to one worker together, and which of them begin first."""

import pytest

LONGEST = ("browser", "outages", "chaos", "celery", "deployments", "model-calls", "test_scaling_crash")
"""The groups that would end last if they began late, the longest of them first."""


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


def turn(item: pytest.Item) -> int:
    """Long groups, then the other groups, then what goes anywhere."""
    group = group_of(item)
    if group is None:
        return len(LONGEST) + 1
    return LONGEST.index(group) if group in LONGEST else len(LONGEST)
