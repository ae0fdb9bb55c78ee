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


SORTS = {
    "person": "actor_name",
    "action": "code",
    "object": "target_name",
    "cluster": "cluster",
    "outcome": "outcome",
}
"""What the list may be sorted by, beside the time; each has its index."""


@dataclass(frozen=True)
class Page:
    """Entries in their order; `next` is the cursor of the next page, None on the last."""

    entries: list[AuditEntry]
    next: int | None


def page(
    queryset: QuerySet[AuditEntry], *, sort: str = "", after: int | None = None, size: int = PAGE_SIZE
) -> Page:
    """One page after the entry `after` (a primary key): by comparison, so that page 1,000 costs what page
    1 does.
    """
    order = order_of(sort)
    last = AuditEntry.objects.filter(pk=after).first() if after else None
    if last is not None:
        queryset = queryset.filter(behind(last, order))
    rows = list(queryset.order_by(*order)[: size + 1])
    return Page(entries=rows[:size], next=rows[size - 1].pk if len(rows) > size else None)


def order_of(sort: str) -> tuple[str, ...]:
    """The order of one of SORTS, newest first within equals; "-" before it is the very reverse, for which
    the same index serves. Anything else means newest first, "time" oldest first.
    """
    if sort == "time":
        return "at", "pk"
    field = SORTS.get(sort.removeprefix("-"))
    if field is None:
        return "-at", "-pk"
    return (f"-{field}", "at", "pk") if sort.startswith("-") else (field, "-at", "-pk")


def behind(last: AuditEntry, order: tuple[str, ...]) -> Q:
    """What comes after `last` in that order. The bound on the first field lets its index begin there."""
    found, equal = Q(), Q()
    for key in order:
        field, word = key.removeprefix("-"), "lt" if key.startswith("-") else "gt"
        value = getattr(last, field)
        found |= equal & Q(**{f"{field}__{word}": value})
        equal &= Q(**{field: value})
    first = order[0].removeprefix("-")
    bound = "lte" if order[0].startswith("-") else "gte"
    return Q(**{f"{first}__{bound}": getattr(last, first)}) & found


def same_request(user: User, entry: AuditEntry) -> QuerySet[AuditEntry]:
    """The other entries that the person may see of the same request."""
    if not entry.request_id:
        return AuditEntry.objects.none()
    return entries(user).filter(request_id=entry.request_id).exclude(pk=entry.pk).order_by("at", "pk")
