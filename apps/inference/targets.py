"""A deployment as actions, guards and runners name it: its place, its kind and its uid."""

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
