"""Fragments: parts of pages that stay fresh. Page, push and plain URL render the same template with the same
selector.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha1
from typing import Any

import orjson

from apps.live.viewers import Viewer

Args = Mapping[str, Any]
"""A fragment's arguments: text, whole numbers, booleans and None only, as they travel signed through the
browser.
"""


def row_dom_id(row: Any) -> str:
    """The default of `Rows.dom_id`: "row-17" from the row's "id"."""
    return f"row-{row['id']}"


def row_version(row: Any) -> Any:
    """The default of `Rows.version`: the row's "version"."""
    return row["version"]


@dataclass(frozen=True)
class Rows:
    """A fragment's table body, so that only changed rows travel.

    `template` renders one row from {"row", "viewer", "cluster"} and its outermost element carries `id="{{
    dom_id }}"` (also in the context). It is a pure function of row, viewer and cluster slug: no relative
    times, no user, no CSRF token (rules 6, 7). `version(row)` must differ whenever the row would look
    different. `items` names the list in the fragment's context. The fragment's own template puts `{{
    rows_html }}` where the rows go. `summary` is an optional template of what changes along with rows ("2 of
    5,000 pods"); the fragment's template puts `{{ summary_html }}` where it goes, and the outermost element
    carries `id="{{ summary_id }}"`.

    With `place(row)`, rows stand in several lists, as cards stand in the columns of a board: it is the id of
    the list's element, in which the fragment's template puts `{{ that_id|rows_here }}` instead. Such a row
    carries `data-place="{{ that id }}"` and `data-order`, by which the page keeps each list sorted; rows that
    come, go or change their place travel alone, too.
    """

    template: str
    items: str = "rows"
    place: Callable[[Any], str] | None = None
    dom_id: Callable[[Any], str] = row_dom_id
    version: Callable[[Any], Any] = row_version
    summary: str = ""


def nobody_else(_viewer: Viewer, **_args: Any) -> bool:
    """The default of `Fragment.allowed`: the permission alone decides."""
    return True


@dataclass(frozen=True)
class Fragment:
    """A part of a page.

    `name` is "<app>.<noun>"; `template` like "clusters/node_list.html#table"; `context(viewer, **args)` its
    context, `topics(**args)` what it follows; `permission` is asked on the cluster named by the argument
    `cluster` (a slug), `allowed(viewer, **args)` may refuse more. Truthy `finished` in the context ends
    polling (status 286).
    """

    name: str
    template: str
    context: Callable[..., dict[str, Any]]
    topics: Callable[..., Iterable[str]]
    permission: str
    rows: Rows | None = None
    allowed: Callable[..., bool] = nobody_else

    def may(self, viewer: Viewer, args: Args) -> bool:
        """Whether these people may see this fragment with these arguments."""
        return viewer.may(self.permission, str(args.get("cluster", ""))) and self.allowed(viewer, **args)


_fragments: dict[str, Fragment] = {}


def register(fragment: Fragment) -> Fragment:
    """Make a fragment known, in an app's `fragments.py`. A second one of that name is a ValueError."""
    if _fragments.setdefault(fragment.name, fragment) is not fragment:
        raise ValueError(f"The fragment {fragment.name} is registered twice")
    return fragment


def unregister(name: str) -> None:
    """Forget a fragment: for tests that bring their own."""
    _fragments.pop(name, None)


def fragment_named(name: str) -> Fragment:
    """The registered fragment; KeyError when there is none."""
    return _fragments[name]


def registered() -> list[Fragment]:
    """Every fragment, by name."""
    return [_fragments[name] for name in sorted(_fragments)]


def args_key(args: Args) -> str:
    """The arguments as one text, the same for the same arguments. TypeError for what JSON does not know."""
    return orjson.dumps(dict(args), option=orjson.OPT_SORT_KEYS).decode()


def default_dom_id(name: str, args: Args) -> str:
    """The id of a fragment's element when the page does not choose one: "live-3f2a..."."""
    return f"live-{sha1(f'{name}{args_key(args)}'.encode(), usedforsecurity=False).hexdigest()[:12]}"
