"""The audit's list as a live fragment: live and audit do not know each other, so they are joined up here."""

from collections.abc import Iterable
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from apps.accounts.access import from_key
from apps.audit import selectors
from apps.audit.forms import EntryFilter
from apps.audit.models import AuditEntry
from apps.audit.permissions import VIEW_ENTRY
from apps.live import paging, topics
from apps.live.fragments import Fragment, Rows, register
from apps.live.viewers import Viewer

HEADERS = (
    ("time", _("Time (UTC)")),
    ("person", _("Person")),
    ("action", _("Action")),
    ("object", _("Object")),
    ("cluster~", _("Cluster")),
    ("outcome", _("Outcome")),
    ("~", _("Operation")),
)


def list_context(viewer: Viewer, *, query: str, after: int, own: int) -> dict[str, Any]:
    """One page of entries that fit a query of the audit page; `own` is who looks, as signed by the page."""
    form = EntryFilter(QueryDict(query))
    if not form.is_valid():  # an action that a newer release has no more
        return {"rows": [], "next": ""}
    fitting = form.narrow(selectors.within(from_key(viewer.role_key), own))
    page = selectors.page(fitting, sort=form.cleaned_data["sort"], after=after or None)
    asked = form.asked()
    return {
        "rows": page.entries,
        "headers": paging.headers(HEADERS, asked),
        "next": paging.address(asked, after=page.next) if page.next else "",
    }


def list_topics(*, after: int, **_args: Any) -> Iterable[str]:
    """The first page is told of new entries; a page behind a given entry stands as a link shows it."""
    return () if after else (topics.audit(),)


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
