"""The resource types this cluster serves: one entry each, found by plural or by group and plural."""

from __future__ import annotations

from dataclasses import dataclass

READ = ("get", "list", "watch")
ALL = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")


@dataclass(frozen=True)
class Resource:
    """One resource type; `key` is `plural` or `plural.group`, as upstream's messages write it."""

    group: str
    version: str
    kind: str
    plural: str
    namespaced: bool
    short_names: tuple[str, ...] = ()
    subresources: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    verbs: tuple[str, ...] = ALL
    generation: bool = False
    stored: bool = True

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def key(self) -> str:
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def singular(self) -> str:
        return self.kind.lower()

    @property
    def list_kind(self) -> str:
        return f"{self.kind}List"

    @property
    def has_status(self) -> bool:
        return "status" in self.subresources

    def path(self, namespace: str = "", name: str = "") -> str:
        """The REST path of the collection, or of one object."""
        root = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        scope = f"/namespaces/{namespace}" if self.namespaced and namespace else ""
        return f"{root}{scope}/{self.plural}" + (f"/{name}" if name else "")


def _core(
    kind: str,
    plural: str,
    namespaced: bool,
    short: tuple[str, ...] = (),
    subresources: tuple[str, ...] = (),
    categories: tuple[str, ...] = (),
) -> Resource:
    return Resource("", "v1", kind, plural, namespaced, short, subresources, categories)


def _workload(
    group: str, kind: str, plural: str, short: tuple[str, ...] = (), scale: bool = False
) -> Resource:
    subresources = ("scale", "status") if scale else ("status",)
    return Resource(group, "v1", kind, plural, True, short, subresources, ("all",), ALL, generation=True)


NO_COLLECTION = tuple(verb for verb in ALL if verb != "deletecollection")
RBAC = "rbac.authorization.k8s.io"
AUTHORIZATION = "authorization.k8s.io"
POD_SUBRESOURCES = ("binding", "eviction", "log", "proxy", "status")

REGISTRY: tuple[Resource, ...] = (
    Resource("", "v1", "Namespace", "namespaces", False, ("ns",), ("finalize", "status"), (), NO_COLLECTION),
    _core("Node", "nodes", False, ("no",), ("status",)),
    _core("Pod", "pods", True, ("po",), POD_SUBRESOURCES, ("all",)),
    _core("Service", "services", True, ("svc",), ("proxy", "status"), ("all",)),
    _core("Endpoints", "endpoints", True, ("ep",)),
    _core("Event", "events", True, ("ev",)),
    _core("Secret", "secrets", True),
    _core("ConfigMap", "configmaps", True, ("cm",)),
    _core("ServiceAccount", "serviceaccounts", True, ("sa",)),
    _core("PersistentVolume", "persistentvolumes", False, ("pv",), ("status",)),
    _core("PersistentVolumeClaim", "persistentvolumeclaims", True, ("pvc",), ("status",)),
    _core("ResourceQuota", "resourcequotas", True, ("quota",), ("status",)),
    _workload("apps", "Deployment", "deployments", ("deploy",), scale=True),
    _workload("apps", "ReplicaSet", "replicasets", ("rs",), scale=True),
    _workload("apps", "StatefulSet", "statefulsets", ("sts",), scale=True),
    _workload("apps", "DaemonSet", "daemonsets", ("ds",)),
    _workload("batch", "Job", "jobs"),
    _workload("batch", "CronJob", "cronjobs", ("cj",)),
    Resource("discovery.k8s.io", "v1", "EndpointSlice", "endpointslices", True, generation=True),
    Resource(
        "policy",
        "v1",
        "PodDisruptionBudget",
        "poddisruptionbudgets",
        True,
        ("pdb",),
        ("status",),
        generation=True,
    ),
    Resource(
        "autoscaling",
        "v2",
        "HorizontalPodAutoscaler",
        "horizontalpodautoscalers",
        True,
        ("hpa",),
        ("status",),
        ("all",),
    ),
    # KEDA's, as a cluster with that operator serves it; nothing here acts on it.
    Resource(
        "keda.sh", "v1alpha1", "ScaledObject", "scaledobjects", True, ("so",), ("status",), generation=True
    ),
    Resource("scheduling.k8s.io", "v1", "PriorityClass", "priorityclasses", False, ("pc",), generation=True),
    Resource("coordination.k8s.io", "v1", "Lease", "leases", True),
    Resource(RBAC, "v1", "Role", "roles", True),
    Resource(RBAC, "v1", "RoleBinding", "rolebindings", True),
    Resource(RBAC, "v1", "ClusterRole", "clusterroles", False),
    Resource(RBAC, "v1", "ClusterRoleBinding", "clusterrolebindings", False),
    Resource(
        AUTHORIZATION,
        "v1",
        "SelfSubjectAccessReview",
        "selfsubjectaccessreviews",
        False,
        verbs=("create",),
        stored=False,
    ),
    Resource(
        AUTHORIZATION,
        "v1",
        "SelfSubjectRulesReview",
        "selfsubjectrulesreviews",
        False,
        verbs=("create",),
        stored=False,
    ),
    Resource(
        "admissionregistration.k8s.io",
        "v1",
        "ValidatingAdmissionPolicy",
        "validatingadmissionpolicies",
        False,
        (),
        ("status",),
        ("api-extensions",),
        generation=True,
    ),
    Resource(
        "admissionregistration.k8s.io",
        "v1",
        "ValidatingAdmissionPolicyBinding",
        "validatingadmissionpolicybindings",
        False,
        (),
        (),
        ("api-extensions",),
        generation=True,
    ),
)

_BY_KEY = {(entry.group, entry.plural): entry for entry in REGISTRY}
_BY_PLURAL: dict[str, Resource] = {}
for _entry in REGISTRY:
    _BY_PLURAL.setdefault(_entry.plural, _entry)
_BY_KIND = {(entry.api_version, entry.kind): entry for entry in REGISTRY}


def resource(group_or_plural: str, plural: str | None = None) -> Resource:
    """`resource("pods")` or `resource("apps", "deployments")`; KeyError when there is none."""
    if plural is None:
        return _BY_PLURAL[group_or_plural]
    return _BY_KEY[(group_or_plural, plural)]


def resource_for(api_version: str, kind: str) -> Resource:
    """The resource of a manifest's apiVersion and kind; KeyError when there is none."""
    return _BY_KIND[(api_version, kind)]


def group_versions() -> dict[str, list[str]]:
    """Group -> versions in preference order; the core group is the empty name."""
    versions: dict[str, list[str]] = {}
    for entry in REGISTRY:
        listed = versions.setdefault(entry.group, [])
        if entry.version not in listed:
            listed.append(entry.version)
    return versions
