"""Who a rendering is for: a role key and a language, never a single person (rule 2)."""

from dataclasses import dataclass
from typing import Any

from django.utils.translation import get_language

from apps.accounts import policy


@dataclass(frozen=True, slots=True)
class Viewer:
    """Everybody with this role key who reads this language."""

    role_key: str
    language: str

    def may(self, permission: str, cluster: str = "", business: str = "") -> bool:
        """Whether these people hold the permission on the cluster (slug)."""
        return policy.key_may(self.role_key, permission, cluster=cluster, business=business)


def viewer_of(user: Any, cluster: str = "", language: str = "") -> Viewer:
    """The viewer that the person is on that cluster, in the running request's language when none is given."""
    return Viewer(role_key=policy.role_key(user, cluster), language=language or get_language() or "en")
