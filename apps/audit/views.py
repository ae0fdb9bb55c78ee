"""Looking through the audit."""

from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from apps.accounts import policy
from apps.accounts.requests import UserRequest
from apps.audit import selectors
from apps.audit.forms import EntryFilter
from apps.audit.permissions import VIEW_ENTRY


@require_safe
def entry_list(request: UserRequest) -> HttpResponse:
    """Entries by filter, 50 at a time."""
    policy.require(request.user, VIEW_ENTRY.code)
    form = EntryFilter(request.GET)
    if not form.is_valid():
        return render(request, "audit/entry_list.html", {"form": form, "entries": []}, status=422)
    page = selectors.page(form.narrow(selectors.entries(request.user)), before=form.cleaned_data["before"])
    context = {
        "form": form,
        "entries": page.entries,
        "older": older_query(request, page.older),
        "filtered": bool(form.conditions()),
    }
    return render(request, "audit/entry_list.html", context)


def older_query(request: UserRequest, older: int | None) -> str:
    """The query of the next page's link, filters kept; empty on the last page."""
    kept = {key: value for key, value in request.GET.items() if value and key != "before"}
    return urlencode({**kept, "before": older}) if older else ""


@require_safe
def entry_detail(request: UserRequest, pk: int) -> HttpResponse:
    """One entry: who, what, before and after, and what else the same request did."""
    policy.require(request.user, VIEW_ENTRY.code)
    entry = get_object_or_404(selectors.entries(request.user), pk=pk)
    context = {
        "entry": entry,
        "changes": selectors.changes(entry),
        "same_request": selectors.same_request(request.user, entry),
    }
    return render(request, "audit/entry_detail.html", context)
