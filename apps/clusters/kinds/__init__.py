"""What the portal mirrors of every cluster: nodes, pods, workloads and the network between them."""

from apps.clusters.kinds.network import EndpointSlice, Service, project_endpoints, project_service
from apps.clusters.kinds.nodes import Node, project_node
from apps.clusters.kinds.pods import Pod, project_pod
from apps.clusters.kinds.workloads import Workload, project_deployment, project_replicaset
from apps.live.kinds import Kind, register_kind

NODES = register_kind(Kind("nodes", "nodes", Node, project_node))
PODS = register_kind(Kind("pods", "pods", Pod, project_pod))
DEPLOYMENTS = register_kind(Kind("deployments", "deployments", Workload, project_deployment))
REPLICASETS = register_kind(Kind("replicasets", "replicasets", Workload, project_replicaset))
SERVICES = register_kind(Kind("services", "services", Service, project_service))
ENDPOINTSLICES = register_kind(Kind("endpointslices", "endpointslices", EndpointSlice, project_endpoints))
