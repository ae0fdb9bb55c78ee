"""The pages of operations: the list, one operation, its log as a file, cancel and retry."""

import json
from collections.abc import AsyncIterator

from asgiref.sync import sync_to_async
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from apps.accounts import policy
from apps.accounts.requests import UserRequest
from apps.audit import selectors as audit
from apps.operations import actions, lines, permissions, selectors
from apps.operations.forms import OperationFilter
from apps.operations.models import Operation, OperationLine
from apps.operations.selectors import Filter

DOWNLOAD_PAGE = 2000


@require_safe
def operation_list(request: UserRequest) -> HttpResponse:
    """All operations that the person may see, by the fields of OperationFilter."""
    policy.require(request.user, permissions.VIEW)
    form = OperationFilter(request.GET)
    if not form.is_valid():
        return render(request, "operations/operation_list.html", {"form": form}, status=422)
    context = {
        "form": form,
        "query": form.query(),
        "state": form.cleaned_data["state"],
        "number": form.cleaned_data["page"] or 1,
        "filtered": form.wanted() != Filter(),
    }
    return render(request, "operations/operation_list.html", context)


@require_safe
def operation_detail(request: UserRequest, pk: int) -> HttpResponse:
    """One operation; `?after=<seq>` shows its log from there."""
    operation = selectors.operation(request.user, pk)
    cursor = selectors.first_cursor(operation, request.GET.get("after", ""))
    context = {
        "operation": operation,
        "mine": operation.actor_id == request.user.pk,
        "cursor": cursor,
        "related": selectors.related(request.user, operation),
        "entries": audit.entries(request.user).filter(operation_id=str(pk)).order_by("pk")[:50],
    }
    return render(request, "operations/operation_detail.html", context)


@require_safe
def operation_log(request: UserRequest, pk: int) -> StreamingHttpResponse:
    """The whole log as a text file, streamed."""
    operation = selectors.operation(request.user, pk)
    response = StreamingHttpResponse(log_of(operation), content_type="text/plain; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="operation-{pk}.log"'
    return response


async def log_of(operation: Operation) -> AsyncIterator[str]:
    """The log in pieces, one read of the database each."""
    read, seq = sync_to_async(lines.after), 0
    while found := await read(operation.pk, seq, limit=DOWNLOAD_PAGE):
        yield "".join(as_text(line) for line in found)
        seq = found[-1].seq


def as_text(line: OperationLine) -> str:
    """A line in the file: time, step, text."""
    step = f" [{line.step}]" if line.step else ""
    return f"{line.at:%Y-%m-%dT%H:%M:%S}.{line.at.microsecond // 1000:03d}Z{step} {line.text}\n"


@require_POST
def operation_cancel(request: UserRequest, pk: int) -> HttpResponse:
    """Ask it to stop."""
    operation = selectors.operation(request.user, pk)
    reason = request.POST.get("reason", "")[:500]
    operation = actions.cancel(by=request.user, reason=reason, operation=operation)
    words = _("It stops at its next step.") if operation.active else _("Cancelled.")
    return answer(request, operation, words)


@require_POST
def operation_retry(request: UserRequest, pk: int) -> HttpResponse:
    """Begin it anew."""
    operation = selectors.operation(request.user, pk)
    key = request.POST.get("key", "")[:200]
    return answer(request, actions.retry(by=request.user, operation=operation, key=key), "")


def answer(request: UserRequest, operation: Operation, words: str) -> HttpResponse:
    """To the operation's page; with HTMX a toast where the person is there already."""
    if words and request.headers.get("HX-Request"):
        toast = json.dumps({"toast": {"level": "info", "text": words}})
        return HttpResponse(status=204, headers={"HX-Trigger": toast})
    response = redirect("operations:detail", pk=operation.pk)
    if request.headers.get("HX-Request"):
        return HttpResponse(status=204, headers={"HX-Redirect": response.url})
    return response
