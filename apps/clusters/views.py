"""Pages of a cluster's hardware."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from apps.accounts.requests import UserRequest
from apps.clusters import selectors
from apps.live.paging import page_number, text


@require_safe
def node_list(request: UserRequest, cluster: str) -> HttpResponse:
    """Nodes and their GPUs; `?q=` keeps the nodes whose name, type, group or zone holds the text."""
    row = selectors.shown_cluster(request, cluster)
    context = {"cluster": row, "q": text(request, "q"), "sort": text(request, "sort")}
    return render(request, "clusters/node_list.html", {**context, "page": page_number(request)})
