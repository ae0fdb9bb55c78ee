"""The kinds of objects the portal handles, and the paths under which an API server keeps them."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from apps.gateways.errors import Invalid


@dataclass(frozen=True)
class Resource:
    """One kind: `plural` is the word used everywhere in the portal ("deployments")."""

    plural: str
    kind: str
    api_version: str
    namespaced: bool = True

    @property
    def group(self) -> str:
        """The API group, "" for the core."""
        return self.api_version.rpartition("/")[0]

    @property
    def noun(self) -> str:
        """The kind in words for people: `ReplicaSet` -> `replica set`."""
        spaced = "".join(f" {letter}" if letter.isupper() else letter for letter in self.kind)
        return spaced.strip().lower()

    def path(self, namespace: str = "", name: str = "", subresource: str = "") -> str:
        """The URL path; no namespace means all of them. Raises Invalid for names that are no path segment."""
        root = "/apis" if self.group else "/api"
        parts = [root, self.api_version]
        if self.namespaced and namespace:
            parts += ["namespaces", segment(namespace)]
        parts.append(self.plural)
        if name:
            parts.append(segment(name))
        if subresource:
            parts.append(segment(subresource))
        return "/".join(parts)


def segment(name: str) -> str:
    """Quote one path segment; raises Invalid for what could lead elsewhere."""
    if not name or name in (".", "..") or any(character in "/%\\\0" for character in name) or len(name) > 253:
        raise Invalid(f"“{name[:80]}” is not a name.")
    return quote(name, safe="")


_CORE = ("v1", {
    "pods": "Pod", "services": "Service", "endpoints": "Endpoints", "events": "Event", "secrets": "Secret",
    "configmaps": "ConfigMap", "serviceaccounts": "ServiceAccount", "resourcequotas": "ResourceQuota",
    "persistentvolumeclaims": "PersistentVolumeClaim", "limitranges": "LimitRange",
})  # fmt: skip
_GROUPS = (
    _CORE,
    ("apps/v1", {
        "deployments": "Deployment", "replicasets": "ReplicaSet", "statefulsets": "StatefulSet",
        "daemonsets": "DaemonSet",
    }),
    ("batch/v1", {"jobs": "Job", "cronjobs": "CronJob"}),
    ("discovery.k8s.io/v1", {"endpointslices": "EndpointSlice"}),
    ("policy/v1", {"poddisruptionbudgets": "PodDisruptionBudget"}),
    ("autoscaling/v2", {"horizontalpodautoscalers": "HorizontalPodAutoscaler"}),
    ("keda.sh/v1alpha1", {"scaledobjects": "ScaledObject"}),
    ("coordination.k8s.io/v1", {"leases": "Lease"}),
    ("rbac.authorization.k8s.io/v1", {"roles": "Role", "rolebindings": "RoleBinding"}),
)  # fmt: skip
_CLUSTER_WIDE = (
    ("v1", {"nodes": "Node", "namespaces": "Namespace", "persistentvolumes": "PersistentVolume"}),
    ("scheduling.k8s.io/v1", {"priorityclasses": "PriorityClass"}),
    ("rbac.authorization.k8s.io/v1", {
        "clusterroles": "ClusterRole", "clusterrolebindings": "ClusterRoleBinding",
    }),
    ("admissionregistration.k8s.io/v1", {
        "validatingadmissionpolicies": "ValidatingAdmissionPolicy",
        "validatingadmissionpolicybindings": "ValidatingAdmissionPolicyBinding",
    }),
    ("authorization.k8s.io/v1", {"selfsubjectaccessreviews": "SelfSubjectAccessReview"}),
)  # fmt: skip

RESOURCES: dict[str, Resource] = {
    plural: Resource(plural, kind, api_version, namespaced)
    for groups, namespaced in ((_GROUPS, True), (_CLUSTER_WIDE, False))
    for api_version, kinds in groups
    for plural, kind in kinds.items()
}
_BY_KIND = {(resource.api_version, resource.kind): resource for resource in RESOURCES.values()}


def resource(plural: str) -> Resource:
    """The resource of a plural word; raises Invalid when the portal does not handle it."""
    found = RESOURCES.get(plural)
    if found is None:
        raise Invalid(f"The portal does not handle “{plural[:80]}”.")
    return found


def of_manifest(manifest: dict[str, Any]) -> Resource:
    """The resource of a manifest by its apiVersion and kind; raises Invalid when there is none."""
    key = (str(manifest.get("apiVersion", "")), str(manifest.get("kind", "")))
    found = _BY_KIND.get(key)
    if found is None:
        raise Invalid(f"The portal does not handle “{key[1][:80]}” of “{key[0][:80]}”.")
    return found
