"""Reading the audit."""

from dataclasses import dataclass

from django.db.models import Q, QuerySet

from apps.accounts import policy
from apps.accounts.access import EVERY, Access
from apps.accounts.models import User
from apps.audit.models import AuditEntry

PAGE_SIZE = 50


def entries(user: User) -> QuerySet[AuditEntry]:
    """What the person may see: their clusters' entries and their own; admins also what belongs to no
    cluster.
    """
    return within(policy.access_of(user), user.pk)


def within(access: Access, own: int) -> QuerySet[AuditEntry]:
    """What somebody with this access sees, who is the person `own` (a primary key)."""
    of_clusters = access.clusters().q("cluster") & ~Q(cluster="")
    if access.may(policy.USE_ADMIN.code, cluster=EVERY, business=EVERY):
        return AuditEntry.objects.filter(of_clusters | Q(cluster=""))
    return AuditEntry.objects.filter(of_clusters | Q(actor_id=own))


@dataclass(frozen=True)
class Page:
    """Entries, newest first; `older` is the cursor of the next page, None on the last."""

    entries: list[AuditEntry]
    older: int | None


def page(queryset: QuerySet[AuditEntry], *, before: int | None = None, size: int = PAGE_SIZE) -> Page:
    """One page after the entry `before` (a primary key): by comparison, so that page 1,000 costs what page
    1 does.
    """
    start = AuditEntry.objects.filter(pk=before).first() if before else None
    if start is not None:
        queryset = queryset.filter(Q(at__lt=start.at) | Q(at=start.at, pk__lt=start.pk))
    rows = list(queryset.order_by("-at", "-pk")[: size + 1])
    return Page(entries=rows[:size], older=rows[size - 1].pk if len(rows) > size else None)


def same_request(user: User, entry: AuditEntry) -> QuerySet[AuditEntry]:
    """The other entries that the person may see of the same request."""
    if not entry.request_id:
        return AuditEntry.objects.none()
    return entries(user).filter(request_id=entry.request_id).exclude(pk=entry.pk).order_by("at", "pk")
