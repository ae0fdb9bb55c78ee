"""Which cluster a flat API path means: the named one, or the only one."""

from typing import cast

from django.http import Http404, HttpRequest
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.clusters import selectors
from apps.clusters.models import Cluster


class Ambiguous(Exception):
    """Several clusters fit and none was named; the message names them."""

    problem_status = 409


def person(request: HttpRequest) -> User:
    """Who calls: the API's authentication has let only people through."""
    return cast(User, request.user)


def cluster(user: User, slug: str = "") -> Cluster:
    """The named cluster or the only visible one. Raises Http404 for none, Ambiguous for several."""
    if slug:
        return selectors.cluster(user, slug)
    visible = selectors.clusters(user)
    if not visible:
        raise Http404(_("There is no cluster that you may see."))
    if len(visible) > 1:
        names = ", ".join(row.slug for row in visible)
        raise Ambiguous(_("Several clusters: add ?cluster= with one of %(names)s.") % {"names": names})
    return visible[0]
