"""Pods and pools as actions name them: to the audit, to operations, to permissions."""

from dataclasses import dataclass

from apps.audit.entries import Target


@dataclass(frozen=True)
class PoolTarget:
    """One pool: its cluster (row number and slug), namespace and Deployment."""

    cluster_id: int
    cluster: str
    namespace: str
    name: str

    def audit_target(self) -> Target:
        """The pool as the audit names it."""
        return Target(kind="pool", name=self.name, cluster=self.cluster, namespace=self.namespace)


@dataclass(frozen=True)
class PodTarget:
    """One pod of a pool; `business` is the one that the change is asked for."""

    pool: PoolTarget
    name: str
    business: str = ""

    def audit_target(self) -> Target:
        """The pod as the audit names it."""
        return Target(
            kind="pod",
            name=self.name,
            cluster=self.pool.cluster,
            namespace=self.pool.namespace,
            business=self.business,
        )
