"""The audit's list as a live fragment: live and audit do not know each other, so they are joined up here."""

from collections.abc import Iterable
from typing import Any

from django.http import QueryDict

from apps.accounts.access import from_key
from apps.audit import selectors
from apps.audit.forms import EntryFilter
from apps.audit.models import AuditEntry
from apps.audit.permissions import VIEW_ENTRY
from apps.live import topics
from apps.live.fragments import Fragment, Rows, register
from apps.live.viewers import Viewer


def list_context(viewer: Viewer, *, query: str, before: int, own: int) -> dict[str, Any]:
    """One page of entries that fit a query of the audit page; `own` is who looks, as signed by the page."""
    form = EntryFilter(QueryDict(query))
    if not form.is_valid():  # an action that a newer release has no more
        return {"rows": [], "older": None}
    fitting = form.narrow(selectors.within(from_key(viewer.role_key), own))
    page = selectors.page(fitting, before=before or None)
    return {"rows": page.entries, "older": page.older}


def list_topics(*, before: int, **_args: Any) -> Iterable[str]:
    """New entries come to the newest page only; behind a given entry nothing changes any more."""
    return () if before else (topics.audit(),)


def row_dom_id(entry: AuditEntry) -> str:
    """A row's element."""
    return f"audit-{entry.pk}"


def row_version(entry: AuditEntry) -> int:
    """Entries never change."""
    return entry.pk


ENTRIES = register(
    Fragment(
        name="audit.entries",
        template="audit/entry_list.html#list",
        context=list_context,
        topics=list_topics,
        permission=VIEW_ENTRY.code,
        rows=Rows(template="audit/entry_list.html#row", dom_id=row_dom_id, version=row_version),
    )
)
