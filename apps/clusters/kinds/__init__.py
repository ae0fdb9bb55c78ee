"""What the portal mirrors of every cluster: nodes, pods, workloads and the network between them."""

from apps.clusters.kinds.network import EndpointSlice, Service, project_endpoints, project_service
from apps.clusters.kinds.nodes import Node, project_node
from apps.clusters.kinds.pods import Pod, project_pod
from apps.clusters.kinds.workloads import Workload, project_deployment, project_replicaset
from apps.gateways import labels
from apps.live import topics
from apps.live.kinds import Kind, register_kind
from apps.live.rows import Row


def pool_topics(cluster_id: int, row: Row) -> list[str]:
    """Pages of one pool look again when one of its pods, Services or Deployments changes, not at every pod's
    change.
    """
    marks = row.labels.get(labels.DEPLOYMENT_TYPE), row.labels.get(labels.SERVICE_TYPE)
    pool = row.labels.get(labels.MODEL, "")
    if pool and marks in ((labels.MODEL_POOL, None), (None, labels.BUSINESS_SERVICE)):
        return [topics.pool(cluster_id, row.namespace, pool)]
    return []


NODES = register_kind(Kind("nodes", "nodes", Node, project_node))
PODS = register_kind(Kind("pods", "pods", Pod, project_pod, pool_topics))
DEPLOYMENTS = register_kind(Kind("deployments", "deployments", Workload, project_deployment, pool_topics))
REPLICASETS = register_kind(Kind("replicasets", "replicasets", Workload, project_replicaset))
SERVICES = register_kind(Kind("services", "services", Service, project_service, pool_topics))
ENDPOINTSLICES = register_kind(Kind("endpointslices", "endpointslices", EndpointSlice, project_endpoints))
