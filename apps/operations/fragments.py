"""The live parts of the operations pages: the list, one operation's head and steps, and its lines."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from apps.live import paging, topics
from apps.live.fragments import Fragment, Rows
from apps.live.fragments import register as register_fragment
from apps.live.paging import Page
from apps.live.streams import Stream
from apps.live.streams import register as register_stream
from apps.live.viewers import Viewer
from apps.operations import line_html, lines, permissions, registry, selectors
from apps.operations.forms import OperationFilter
from apps.operations.models import Operation
from apps.operations.statuses import OperationStatus

HEADERS: tuple[tuple[str, Any], ...] = (
    ("number#~", _("No.")),
    ("title", _("Operation")),
    ("state", _("State")),
    ("target", _("Target")),
    ("person", _("Person")),
    ("", _("Step or end")),
    ("begun", _("Begun (UTC)")),
    ("took#~", _("Took")),
)


def list_context(viewer: Viewer, *, query: str, state: str, number: int) -> dict[str, Any]:
    """One page of operations for the query of the page's URL, with the states' counts."""
    asked = QueryDict(query, mutable=True)
    asked["state"] = state
    form = OperationFilter(asked)
    if not form.is_valid():  # work that a newer release has no more
        return {"page": Page((), 1, 0, {"state": state}), "rows": [], "chips": [], "headers": []}
    return found(viewer.role_key, form, number) | {"headers": paging.headers(HEADERS, form.asked())}


def found(role_key: str, form: OperationFilter, number: int) -> dict[str, Any]:
    """The page `number` of what a valid form asks for."""
    wanted, sort = form.wanted(), form.cleaned_data["sort"]
    chips = selectors.chips(role_key, wanted)
    total = next(chip.count for chip in chips if chip.value == wanted.state)
    cut, number, total = paging.cut(selectors.listed(role_key, wanted, sort=sort), number, total)
    page = Page(selectors.rows_of(cut), number, total, form.asked())
    return {"page": page, "rows": page.rows, "chips": chips}


def list_topics(**_args: Any) -> Iterable[str]:
    """Any operation's move."""
    return (topics.operations(),)


def row_dom_id(row: selectors.Row) -> str:
    """A row's element."""
    return f"operation-{row.pk}-row"


def row_version(row: selectors.Row) -> selectors.Row:
    """Rows are values: equal ones look the same."""
    return row


def detail_context(viewer: Viewer, *, pk: int, cluster: str, mine: bool) -> dict[str, Any]:
    """One operation with its steps. `mine`: whoever looks began it."""
    operation = Operation.objects.select_related("retry_of").get(pk=pk)
    may_cancel = permissions.CANCEL if mine else permissions.CANCEL_OTHERS
    business = operation.target_business
    return {
        "operation": operation,
        "steps": operation.steps.all(),
        "took": selectors.took(operation),
        "retries": operation.retries.order_by("pk"),
        "may_cancel": viewer.may(may_cancel, cluster, business),
        "may_retry": viewer.may(permissions.RETRY, cluster, business),
        "can_retry": retryable(operation),
        "finished": not operation.active,
    }


def retryable(operation: Operation) -> bool:
    """Whether a retry makes sense at all."""
    ended_badly = not operation.active and operation.status != OperationStatus.SUCCEEDED
    return ended_badly and registry.get(operation.runner) is not None


def detail_topics(*, pk: int, **_args: Any) -> Iterable[str]:
    """The operation's own moves and steps."""
    return (topics.operation(pk),)


def belongs(_viewer: Viewer, *, pk: int, cluster: str, **_args: Any) -> bool:
    """Whether the operation is of the cluster on which the permission was asked."""
    return Operation.objects.filter(pk=pk, target_cluster=cluster).exists()


def read_lines(args: Mapping[str, Any], cursor: int, limit: int) -> tuple[str, int]:
    """The html of up to `limit` lines after `cursor`, and the cursor after them."""
    found = lines.after(args["pk"], cursor, limit=limit)
    if not found:
        return "", cursor
    return line_html.html_of(found), found[-1].seq


def lines_topics(*, pk: int, **_args: Any) -> Iterable[str]:
    """New lines."""
    return (topics.lines(pk),)


LIST = register_fragment(
    Fragment(
        name="operations.list",
        template="operations/operation_list.html#list",
        context=list_context,
        topics=list_topics,
        permission=permissions.VIEW,
        rows=Rows(
            template="operations/operation_list.html#row",
            summary="operations/operation_list.html#chips",
            dom_id=row_dom_id,
            version=row_version,
        ),
    )
)
DETAIL = register_fragment(
    Fragment(
        name="operations.detail",
        template="operations/operation_detail.html#detail",
        context=detail_context,
        topics=detail_topics,
        permission=permissions.VIEW,
        allowed=belongs,
    )
)
LINES = register_stream(
    Stream(
        name="operations.lines",
        read_after=read_lines,
        topics=lines_topics,
        permission=permissions.VIEW,
        allowed=belongs,
    )
)
