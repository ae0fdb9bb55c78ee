"""Lists in pages: filtered and sorted by the database, never beyond what a person would leaf through."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from urllib.parse import urlencode

from django.db.models import F, Model, Q, QuerySet
from django.db.models.expressions import OrderBy
from django.db.models.fields.json import KeyTransform
from django.http import HttpRequest
from django.utils.functional import Promise

from apps.live.models import ClusterObject

SIZE = 50
MOST_PAGES = 40
LONGEST_QUERY = 100
MARKS = {"#": "num", "~": "roomy"}

Row = TypeVar("Row")
M = TypeVar("M", bound=Model)
Objects = QuerySet[ClusterObject, ClusterObject]


@dataclass(frozen=True)
class Page(Generic[Row]):
    """One page of a list. `total` counts all rows that match."""

    rows: Sequence[Row]
    number: int
    total: int
    asked: dict[str, Any]

    @property
    def before(self) -> str:
        """The address of the page before, "" on the first."""
        return address(self.asked, page=self.number - 1) if self.number > 1 else ""

    @property
    def after(self) -> str:
        """The address of the page behind, "" on the last."""
        return address(self.asked, page=self.number + 1) if self.number < self.pages else ""

    @property
    def filtered(self) -> bool:
        """Whether the list was asked for less than everything."""
        return any(value for name, value in self.asked.items() if name != "sort")

    @property
    def pages(self) -> int:
        """How many pages may be leafed through; beyond that the page asks for a filter."""
        return min(max(-(-self.total // SIZE), 1), MOST_PAGES)

    @property
    def first(self) -> int:
        """The number of the first row shown, 0 for none."""
        return (self.number - 1) * SIZE + 1 if self.rows else 0

    @property
    def last(self) -> int:
        """The number of the last row shown."""
        return (self.number - 1) * SIZE + len(self.rows)

    @property
    def cut(self) -> bool:
        """Whether there is more than may be leafed through."""
        return self.total > SIZE * MOST_PAGES


@dataclass(frozen=True)
class Header:
    """A column's head: its title, and the address that sorts by it ("" for columns that cannot)."""

    title: str | Promise
    link: str = ""
    direction: str = ""
    css: str = ""


def headers(columns: Sequence[tuple[str, str | Promise]], asked: dict[str, Any]) -> list[Header]:
    """Heads for (sort key, title); an empty key cannot be sorted. Behind a key, "#" means numbers and "~" a
    column that narrow screens leave out.
    """
    sort = str(asked.get("sort", ""))
    found = []
    for key, title in columns:
        name = key.rstrip("#~")
        down = sort == name
        direction = {name: "ascending", f"-{name}": "descending"}.get(sort, "") if name else ""
        link = address(asked, sort=f"-{name}" if down else name) if name else ""
        css = " ".join(word for mark, word in MARKS.items() if mark in key)
        found.append(Header(title, link, direction, css))
    return found


def address(asked: dict[str, Any], **changes: Any) -> str:
    """The list's own address with other wishes; without a page, the first."""
    wishes = {name: value for name, value in {**asked, **changes}.items() if value not in ("", None)}
    return "?" + urlencode(wishes)


def cut(objects: QuerySet[M, M], number: int, total: int | None = None) -> tuple[QuerySet[M, M], int, int]:
    """(the page's objects, the page's number, the total, counted where it is not known); a number beyond the
    last page means the last.
    """
    total = objects.count() if total is None else total
    last = min(max(-(-total // SIZE), 1), MOST_PAGES)
    number = min(max(number, 1), last)
    return objects[(number - 1) * SIZE : number * SIZE], number, total


def ordered(objects: Objects, sort: str, keys: dict[str, str | None]) -> Objects:
    """Sorted by one of `keys` ("-" before it: downwards), then by place, so that the order never jumps.

    A key's value names what in `data` to sort by (numbers as numbers); None sorts by the column of that name.
    """
    name = sort.removeprefix("-")
    if name not in keys:
        return objects.order_by("namespace", "name")
    path = keys[name]
    what = name if path is None else KeyTransform(path, "data")
    return objects.order_by(by(what, sort), "namespace", "name")


def by(what: str | KeyTransform, sort: str) -> OrderBy:
    """By a column or value, upwards or ("-" before `sort`) downwards; what has none stands last."""
    expression: Any = F(what) if isinstance(what, str) else what
    return OrderBy(expression, descending=sort.startswith("-"), nulls_last=True)


def matching(objects: Objects, text: str, *paths: str) -> Objects:
    """Objects whose name, namespace or one of `paths` (a field, or `data__<key>`) holds `text`."""
    wanted = Q(name__icontains=text) | Q(namespace__icontains=text)
    for path in paths:
        wanted |= Q(**{f"{path}__icontains": text})
    return objects.filter(wanted) if text else objects


def text(request: HttpRequest, name: str) -> str:
    """A filter of the address, cut to a sane length, without what Postgres refuses."""
    return request.GET.get(name, "").replace("\0", "")[:LONGEST_QUERY]


def page_number(request: HttpRequest) -> int:
    """The asked page; anything odd means the first."""
    asked = request.GET.get("page", "1")
    return min(int(asked), MOST_PAGES) if asked.isascii() and asked.isdigit() and len(asked) < 6 else 1
