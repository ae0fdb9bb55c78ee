"""Deployments, pods and Services as actions, guards and runners name them: place, kind and uid."""

from collections.abc import Mapping
from dataclasses import dataclass

from apps.audit.entries import Target
from apps.inference.statuses import Kind


@dataclass(frozen=True)
class DeploymentTarget:
    """One Deployment. `uid` is what the mirror last saw, "" when it saw none yet."""

    cluster_id: int
    cluster: str
    namespace: str
    name: str
    kind: Kind
    uid: str = ""
    replicas: int = 0

    def audit_target(self) -> Target:
        """The deployment as the audit and operations name it."""
        return Target(kind="deployment", name=self.name, cluster=self.cluster, namespace=self.namespace)


@dataclass(frozen=True)
class PodTarget:
    """One pod. `pool` is the pool that it belongs to and `business` whom it is lent to, "" for others."""

    cluster_id: int
    cluster: str
    namespace: str
    name: str
    uid: str
    pool: str = ""
    business: str = ""

    def audit_target(self) -> Target:
        """The pod as the audit names it."""
        return Target(
            kind="pod",
            name=self.name,
            cluster=self.cluster,
            namespace=self.namespace,
            business=self.business,
        )


@dataclass(frozen=True)
class ServiceTarget:
    """One Service, by its uid."""

    cluster_id: int
    cluster: str
    namespace: str
    name: str
    uid: str
    labels: Mapping[str, str]

    def audit_target(self) -> Target:
        """The Service as the audit names it."""
        return Target(kind="service", name=self.name, cluster=self.cluster, namespace=self.namespace)
