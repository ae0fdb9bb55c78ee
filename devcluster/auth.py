"""Who is asking: bearer tokens, EKS's presigned-URL tokens, or nobody (system:anonymous)."""

from __future__ import annotations

import base64
import binascii
import hmac
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from devcluster.errors import Unauthorized

AWS_PREFIX = "k8s-aws-v1."
AUTHENTICATED = "system:authenticated"
ADMINISTRATORS = "system:masters"


@dataclass(frozen=True)
class User:
    """A name and its groups, as RBAC subjects name them."""

    name: str
    groups: tuple[str, ...] = (AUTHENTICATED,)

    @property
    def service_account(self) -> tuple[str, str] | None:
        """(namespace, name) of a service account."""
        parts = self.name.split(":")
        return (parts[2], parts[3]) if parts[:2] == ["system", "serviceaccount"] and len(parts) == 4 else None


ANONYMOUS = User("system:anonymous", ("system:unauthenticated",))


def service_account(namespace: str, name: str) -> User:
    """The user behind a service account's token."""
    groups = ("system:serviceaccounts", f"system:serviceaccounts:{namespace}", AUTHENTICATED)
    return User(f"system:serviceaccount:{namespace}:{name}", groups)


def administrator(name: str = "kubernetes-admin") -> User:
    return User(name, (ADMINISTRATORS, AUTHENTICATED))


class Tokens:
    """Known bearer tokens. `aws_user` is whom a valid-looking EKS token stands for."""

    def __init__(self, aws_user: User | None = None) -> None:
        self._users: dict[str, User] = {}
        self.aws_user = aws_user

    def add(self, token: str, user: User) -> None:
        self._users[token] = user

    def token_of(self, name: str) -> str:
        """The first token of a user; KeyError."""
        for token, user in self._users.items():
            if user.name == name:
                return token
        raise KeyError(name)

    def authenticate(self, header: str) -> User:
        """The user of an Authorization header; Unauthorized for a token nobody has."""
        if not header:
            return ANONYMOUS
        scheme, _, token = header.partition(" ")
        if scheme.lower() != "bearer":
            return ANONYMOUS
        token = token.strip()
        if token.startswith(AWS_PREFIX) and self.aws_user is not None and is_aws_token(token):
            return self.aws_user
        for known, user in self._users.items():
            if hmac.compare_digest(known.encode(), token.encode()):
                return user
        raise Unauthorized


def is_aws_token(token: str) -> bool:
    """Whether a token is a presigned `sts:GetCallerIdentity` address, as `aws eks get-token` makes it.

    The signature is not checked: this cluster has no AWS behind it to ask.
    """
    encoded = token.removeprefix(AWS_PREFIX)
    try:
        url = base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode()
        parts = urlsplit(url)
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return False
    query = parse_qs(parts.query)
    return query.get("Action") == ["GetCallerIdentity"] and bool(query.get("X-Amz-Signature"))
