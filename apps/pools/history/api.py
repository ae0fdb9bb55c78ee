"""The JSON API of the history: intervals, costs, and taking changes back."""

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from ninja import Path, Query, Router

from apps.accounts import policy
from apps.clusters import choice
from apps.pools.api import seen, target
from apps.pools.history import actions, exports, shapes
from apps.pools.history.costs import costs
from apps.pools.history.selectors import cost_times, holdings, page
from apps.pools.permissions import ASSIGN

MOST = 1000
router = Router(tags=["pools"])


@router.get(
    "/pools/{namespace}/{name}/history",
    url_name="pool_history",
    response=list[shapes.HoldingOut],
    summary="Who had which pod when",
)
def history(
    request: HttpRequest, cluster: Path[str], namespace: str, name: str, wish: Query[shapes.HistoryQuery]
) -> list[shapes.HoldingOut]:
    """The newest intervals that fit first; at most 1000 at once."""
    row = seen(request, cluster)
    form = wish.form()
    found = form.narrow(holdings(row.pk, namespace, name))
    size = max(1, min(wish.limit, MOST))
    return [shapes.holding_out(holding) for holding in page(found, before=wish.before or 0, size=size).rows]


@router.get(
    "/pools/{namespace}/{name}/history.csv", url_name="pool_history_csv", summary="The same as a file"
)
def history_file(
    request: HttpRequest, cluster: Path[str], namespace: str, name: str, wish: Query[shapes.HistoryFilterIn]
) -> HttpResponseBase:
    """All intervals that fit as CSV, streamed, the newest first."""
    pool = target(seen(request, cluster), namespace, name)
    return exports.as_file(wish.form().narrow(holdings(pool.cluster_id, namespace, name)), name)


@router.get(
    "/pools/{namespace}/{name}/costs",
    url_name="pool_costs",
    response=list[shapes.CostOut],
    summary="What each business cost",
)
def pool_costs(
    request: HttpRequest, cluster: Path[str], namespace: str, name: str, wish: Query[shapes.HistoryQuery]
) -> list[shapes.CostOut]:
    """By business, in the filter's time: the last 30 days where it says none."""
    row = seen(request, cluster)
    form = wish.form()
    since, until = cost_times(form.cleaned_data["since"], form.cleaned_data["until"])
    found = form.narrow(holdings(row.pk, namespace, name))
    return [shapes.cost_out(cost) for cost in costs(found, since=since, until=until)]


@router.post(
    "/pools/{namespace}/{name}/undo",
    url_name="pool_undo",
    response=shapes.UndoneOut,
    summary="Take a change back",
    by_alias=True,
)
def undo(
    request: HttpRequest, cluster: Path[str], namespace: str, name: str, wish: shapes.UndoIn
) -> shapes.UndoneOut:
    """Give the pods of a change back to whom they belonged; with `dryRun` only say which."""
    person = choice.person(request)
    pool = target(seen(request, cluster), namespace, name)
    if wish.dryRun:
        policy.require(person, ASSIGN, cluster=pool.cluster)
        return shapes.undo_out(actions.preview(pool, wish.change))
    operation = actions.undo_changes(
        by=person,
        pool=pool,
        change=wish.change,
        force=wish.force,
        drain=wish.drain,
        timeout=wish.timeout,
        share=wish.answer(),
        reason=wish.reason,
    )
    return shapes.undoing_out(operation.pk)
