"""Who may what: Roles and bindings as they stand in the store, evaluated as upstream does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from devcluster.auth import ADMINISTRATORS, AUTHENTICATED, User
from devcluster.errors import ApiError
from devcluster.registry import Registry
from devcluster.resources import RBAC, resource
from devcluster.store import Event, Store

Json = dict[str, Any]

CLUSTER_ROLES = resource(RBAC, "clusterroles")
CLUSTER_BINDINGS = resource(RBAC, "clusterrolebindings")
ROLES = resource(RBAC, "roles")
BINDINGS = resource(RBAC, "rolebindings")


@dataclass(frozen=True)
class Attributes:
    """One question. A non-resource question has a `path` and no `resource`."""

    verb: str
    group: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    path: str = ""

    @property
    def full_resource(self) -> str:
        return f"{self.resource}/{self.subresource}" if self.subresource else self.resource


def allows(rule: Json, asked: Attributes) -> bool:
    """Whether one rule covers a question."""
    if not _listed(rule.get("verbs"), asked.verb):
        return False
    if asked.path:
        return any(_path_matches(pattern, asked.path) for pattern in rule.get("nonResourceURLs") or ())
    names = rule.get("resourceNames")
    return (
        _listed(rule.get("apiGroups"), asked.group)
        and _resource_listed(rule.get("resources") or (), asked)
        and (not names or asked.name in names)
    )


def _listed(values: list[str] | None, wanted: str) -> bool:
    return bool(values) and ("*" in (values or ()) or wanted in (values or ()))


def _resource_listed(values: list[str] | tuple[str, ...], asked: Attributes) -> bool:
    wanted = {"*", asked.full_resource}
    if asked.subresource:
        wanted.add(f"*/{asked.subresource}")
    return any(value in wanted for value in values)


def _path_matches(pattern: str, path: str) -> bool:
    return path.startswith(pattern[:-1]) if pattern.endswith("*") else path == pattern


class Authorizer:
    """Answers from the store; what a user may do is remembered until any role or binding changes."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._remembered: dict[tuple[User, str], list[Json]] = {}
        for kind in (CLUSTER_ROLES, CLUSTER_BINDINGS, ROLES, BINDINGS):
            store.listen(kind, self._forget)

    def _forget(self, _event: Event) -> None:
        self._remembered.clear()

    def allowed(self, user: User, asked: Attributes) -> bool:
        return any(allows(rule, asked) for rule in self.rules(user, asked.namespace))

    def require(self, user: User, asked: Attributes) -> None:
        """Forbidden in upstream's words."""
        if not self.allowed(user, asked):
            raise Denied(user, asked)

    def rules(self, user: User, namespace: str) -> list[Json]:
        """Every rule that holds for a user in a namespace ("" for the cluster)."""
        key = (user, namespace)
        if key not in self._remembered:
            self._remembered[key] = list(self._find(user, namespace))
        return self._remembered[key]

    def _find(self, user: User, namespace: str) -> Iterator[Json]:
        for binding in self.store.list(CLUSTER_BINDINGS):
            if _binds(binding, user, ""):
                yield from self._role_rules(binding["roleRef"], "")
        for binding in self.store.list(BINDINGS, namespace) if namespace else ():
            if _binds(binding, user, namespace):
                yield from self._role_rules(binding["roleRef"], namespace)

    def _role_rules(self, reference: Json, namespace: str) -> list[Json]:
        clusterwide = reference["kind"] == "ClusterRole"
        kind, where = (CLUSTER_ROLES, "") if clusterwide else (ROLES, namespace)
        role = self.store.find(kind, where, reference["name"])
        return (role or {}).get("rules") or []


def _binds(binding: Json, user: User, namespace: str) -> bool:
    return any(_is_subject(subject, user, namespace) for subject in binding.get("subjects") or ())


def _is_subject(subject: Json, user: User, namespace: str) -> bool:
    if subject["kind"] == "ServiceAccount":
        return user.service_account == (subject.get("namespace") or namespace, subject["name"])
    if subject["kind"] == "Group":
        return subject["name"] in user.groups
    return bool(subject["name"] == user.name)


class Denied(ApiError):
    """403 as the authoriser words it."""

    def __init__(self, user: User, asked: Attributes) -> None:
        who = f'User "{user.name}" cannot {asked.verb}'
        if asked.path:
            super().__init__(403, "Forbidden", f'forbidden: {who} path "{asked.path}"', {})
            return
        scope = f'in the namespace "{asked.namespace}"' if asked.namespace else "at the cluster scope"
        what = f"{asked.resource}.{asked.group}" if asked.group else asked.resource
        named = f'{what} "{asked.name}"' if asked.name else what
        refused = f'{who} resource "{asked.full_resource}" in API group "{asked.group}" {scope}'
        details = {"name": asked.name, "group": asked.group, "kind": asked.resource}
        super().__init__(
            403,
            "Forbidden",
            f"{named} is forbidden: {refused}",
            {key: value for key, value in details.items() if value},
        )


INFORMATION = ["/healthz", "/livez", "/readyz", "/version", "/version/"]
DISCOVERY = [
    "/api",
    "/api/*",
    "/apis",
    "/apis/*",
    "/healthz",
    "/livez",
    "/openapi",
    "/openapi/*",
    "/readyz",
    "/version",
    "/version/",
]
BOOTSTRAP: tuple[tuple[str, list[Json], tuple[str, ...]], ...] = (
    (
        "cluster-admin",
        [
            {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]},
            {"verbs": ["*"], "nonResourceURLs": ["*"]},
        ],
        (ADMINISTRATORS,),
    ),
    (
        "system:basic-user",
        [
            {
                "verbs": ["create"],
                "apiGroups": ["authorization.k8s.io"],
                "resources": ["selfsubjectaccessreviews", "selfsubjectrulesreviews"],
            }
        ],
        (AUTHENTICATED,),
    ),
    ("system:discovery", [{"verbs": ["get"], "nonResourceURLs": DISCOVERY}], (AUTHENTICATED,)),
    (
        "system:public-info-viewer",
        [{"verbs": ["get"], "nonResourceURLs": INFORMATION}],
        (AUTHENTICATED, "system:unauthenticated"),
    ),
)


def bootstrap(registry: Registry) -> None:
    """The roles every cluster is born with (upstream: plugin/pkg/auth/authorizer/rbac/bootstrappolicy)."""
    labels = {"kubernetes.io/bootstrapping": "rbac-defaults"}
    for name, rules, groups in BOOTSTRAP:
        metadata = {"name": name, "labels": labels}
        registry.create(CLUSTER_ROLES, {"metadata": metadata, "rules": rules}, manager="kube-apiserver")
        body: Json = {
            "metadata": metadata,
            "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": name},
            "subjects": [{"apiGroup": RBAC, "kind": "Group", "name": group} for group in groups],
        }
        registry.create(CLUSTER_BINDINGS, body, manager="kube-apiserver")
