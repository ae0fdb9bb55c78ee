"""Looking through the audit."""

from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from apps.accounts import policy
from apps.accounts.requests import UserRequest
from apps.audit import diff, exports, selectors
from apps.audit.forms import EntryFilter
from apps.audit.permissions import VIEW_ENTRY


@require_safe
def entry_list(request: UserRequest) -> HttpResponse:
    """Entries by filter, sorted, 50 at a time; the first page stays live."""
    policy.require(request.user, VIEW_ENTRY.code)
    form = EntryFilter(request.GET)
    if not form.is_valid():
        return render(request, "audit/entry_list.html", {"form": form}, status=422)
    context = {"form": form, "query": form.query(), "after": form.cleaned_data["after"] or 0}
    return render(request, "audit/entry_list.html", context | {"filtered": bool(form.conditions())})


@require_safe
def export(request: UserRequest, form: str) -> HttpResponseBase:
    """The entries of the same filter as a file (`csv` or `jsonl`), streamed."""
    policy.require(request.user, VIEW_ENTRY.code)
    wanted = EntryFilter(request.GET)
    if not wanted.is_valid():
        return render(request, "audit/entry_list.html", {"form": wanted}, status=422)
    entries = wanted.narrow(selectors.entries(request.user))
    response = StreamingHttpResponse(exports.written(entries, form), content_type=exports.FORMATS[form][0])
    response["Content-Disposition"] = f'attachment; filename="audit.{form}"'
    return response


@require_safe
def entry_detail(request: UserRequest, pk: int) -> HttpResponse:
    """One entry: who, what, before and after, and what else the same request did."""
    policy.require(request.user, VIEW_ENTRY.code)
    entry = get_object_or_404(selectors.entries(request.user), pk=pk)
    context = {
        "entry": entry,
        "changes": diff.compare(entry.before, entry.after),
        "same_request": selectors.same_request(request.user, entry),
    }
    return render(request, "audit/entry_detail.html", context)
