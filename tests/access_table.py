"""Who gets what from every URL: one row each. test_access.py fails where a URL has no row.

A row says the answer for a stranger, charlie (no role), bob (viewer), alice (operator) and root
(admin), in this order, to a request on the world that `make_world` builds: cluster "demo", which does
not know the portal any more, with deployment "chat" and pool "pool" of one pod each, and one audit
entry. Add your URLs in the part of your app; `wrong` is a method that the URL does not take (405).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from zlib import crc32

from django.utils import timezone

from apps.accounts.models import User
from apps.audit.entries import Draft, Target, write
from apps.audit.models import Outcome
from apps.clusters.models import Cluster
from apps.gateways.connection import Connection
from apps.inference.models import ModelDeployment
from apps.live.models import SyncState
from apps.operations.models import Operation
from tests.copies import make_once
from tests.inference.mirrored import Mirrored

Statuses = tuple[int, int, int, int, int]
PEOPLE = ("stranger", "charlie", "bob", "alice", "root")


@dataclass(frozen=True)
class Row:
    """One URL: the answers, and the request that gets them.

    `kwargs` may be a function that makes what it names.
    """

    statuses: Statuses
    kwargs: Mapping[str, Any] | Callable[[], Mapping[str, Any]] = field(default_factory=dict)
    method: str = "GET"
    data: Mapping[str, Any] = field(default_factory=dict)
    json: Any = None
    wrong: str = "PUT"
    wrong_by: str = "root"
    committed: bool = False

    def arguments(self) -> Mapping[str, Any]:
        """The URL's arguments."""
        return self.kwargs() if callable(self.kwargs) else self.kwargs


ANYBODY: Statuses = (200, 200, 200, 200, 200)
LOGGED_IN: Statuses = (302, 200, 200, 200, 200)
ROLE: Statuses = (302, 403, 200, 200, 200)
CLUSTER_PAGE: Statuses = (302, 404, 200, 200, 200)
NOT_THERE: Statuses = (302, 404, 404, 404, 404)
API: Statuses = (401, 404, 200, 200, 200)

DEMO = {"cluster": "demo"}
CHAT = {**DEMO, "namespace": "default", "name": "chat"}
CHAT_POD = {**CHAT, "name": "chat-1"}


def make_world() -> None:
    """The cluster that the rows speak of, at an address where nobody answers, as if just mirrored."""
    make_once(build_world)
    SyncState.objects.update(seen_at=timezone.now())


def build_world() -> None:
    cluster = Cluster.objects.create(slug="demo", name="Demo", server="https://127.0.0.1:1", token="nothing")
    mirrored = Mirrored(cluster.pk)
    mirrored.node("node-1", gpus=8)
    mirrored.deployment("chat", ready=1)
    mirrored.pod("chat-1", app="chat")
    mirrored.service("chat", selector={"app": "chat"}, pods=["chat-1"])
    mirrored.deployment("pool", kind="model-pool", ready=1)
    mirrored.pod("pool-1", app="pool", kind="model-pool")
    mirrored.write()


def move_to(connection: Connection) -> None:
    """Have the world's cluster at this address, with these credentials.

    Every world has the same number, and processes know a connection by number and version.
    """
    row = Cluster.objects.get(slug="demo")
    row.server, row.ca_data, row.token = connection.server, connection.ca_data, connection.token
    row.save()
    version = crc32(f"{connection.server} {connection.token}".encode())
    Cluster.objects.filter(pk=row.pk).update(version=version)


def an_entry() -> Mapping[str, Any]:
    """An audit entry of the cluster."""
    return {
        "pk": write(Draft(code="tests.some", target=Target("pod", "chat-1", cluster="demo")), Outcome.DONE).pk
    }


def an_operation() -> Mapping[str, Any]:
    """A queued operation of alice on the cluster."""
    alice = User.objects.get(username="alice")
    row = Operation(runner="tests.none", title="Deploy", queue="quick", actor_id=alice.pk, actor_name="alice")
    row.target_kind, row.target_name, row.target_cluster = "deployment", "chat", "demo"
    row.save()
    return {"pk": row.pk}


def a_record() -> Mapping[str, Any]:
    """Who deployed what on the cluster."""
    record = ModelDeployment(cluster=Cluster.objects.get(slug="demo"), namespace="default", name="once")
    record.kind, record.engine, record.port, record.gpus, record.replicas = "standard", "vllm", 8000, 1, 1
    record.save()
    return {"cluster": "demo", "pk": record.pk}


SITE = {
    "home": Row((302, 200, 302, 302, 302), wrong="POST"),
    "healthz": Row(ANYBODY, wrong="POST"),
    "readyz": Row(ANYBODY, wrong="POST"),
    "metrics": Row((404, 404, 404, 404, 404), wrong="POST"),
    "overview": Row(CLUSTER_PAGE, DEMO, wrong="POST"),
    "api:openapi-json": Row(LOGGED_IN, wrong=""),
    "api:openapi-view": Row(LOGGED_IN, wrong=""),
}
ACCOUNTS = {
    "accounts:login": Row((200, 302, 302, 302, 302), wrong="DELETE", wrong_by="stranger"),
    "accounts:logout": Row((302, 302, 302, 302, 302), method="POST", wrong="GET"),
    "accounts:password": Row(LOGGED_IN, wrong="DELETE"),
    "accounts:profile": Row(LOGGED_IN, wrong="POST"),
    "accounts:make_token": Row(LOGGED_IN, method="POST", data={"name": "x", "days": "7"}, wrong="GET"),
    "accounts:revoke_token": Row(NOT_THERE, {"pk": 1}, method="POST", wrong="GET"),
}
AUDIT = {
    "audit:list": Row(ROLE, wrong="POST"),
    "audit:export_csv": Row(ROLE, wrong="POST"),
    "audit:export_jsonl": Row(ROLE, wrong="POST"),
    "audit:detail": Row(ROLE, an_entry, wrong="POST"),
}
LIVE = {
    "live:fragment": Row(NOT_THERE, {"token": "forged"}, wrong="POST"),
    "live:stream": Row(NOT_THERE, {"token": "forged"}, wrong="POST"),
}
CLUSTERS = {
    "clusters:node_list": Row(CLUSTER_PAGE, DEMO, wrong="POST"),
    "api:nodes": Row(API, DEMO, wrong="POST"),
    "api:cluster_status": Row(API, wrong="POST"),
}
CHANGE_PAGE: Statuses = (302, 404, 403, 302, 302)
CHANGE_API: Statuses = (401, 404, 403, 202, 202)
WISH = {"command": "vllm serve Qwen/Qwen3-0.6B", "replicas": "1", "namespace": "default", "access": "none"}
FLAT_CHANGE: Statuses = (401, 404, 403, 200, 200)
ORDER = {"command": "vllm serve Qwen/Qwen3-0.6B"}
SERVED = {**DEMO, "namespace": "default", "service": "chat", "path": "v1/models"}
TEST_CALL = {"service": "default/chat", "method": "GET", "path": "/v1/models"}
FLAT_ORDER = {"deploymentType": "vllm", "vllmCommand": "vllm serve Qwen/Qwen3-0.6B"}
FLAT_SCALE = {"deploymentName": "chat", "targetReplicas": 2}
CALL = {"service": "chat", "path": "/v1/models", "method": "GET"}
INFERENCE = {
    "inference:deploy": Row(CLUSTER_PAGE, DEMO, wrong="DELETE"),
    "inference:deploy_preview": Row(CLUSTER_PAGE, DEMO, method="POST", data=WISH, wrong="GET"),
    "inference:test_check": Row(CLUSTER_PAGE, DEMO, method="POST", data={"field": "path"}, wrong="GET"),
    "inference:test_code": Row(CLUSTER_PAGE, DEMO, method="POST", data=TEST_CALL, wrong="GET"),
    "inference:deployment_list": Row(CLUSTER_PAGE, DEMO, wrong="POST"),
    "inference:deployment_detail": Row(CLUSTER_PAGE, CHAT, wrong="POST"),
    "inference:scale": Row(CHANGE_PAGE, CHAT, method="POST", data={"replicas": "2"}, wrong="GET"),
    "inference:restart": Row(CHANGE_PAGE, CHAT, method="POST", wrong="GET"),
    "inference:undeploy": Row(
        CHANGE_PAGE, CHAT, method="POST", data={"what": "all", "confirm": "chat"}, wrong="GET"
    ),
    "inference:record_list": Row(CLUSTER_PAGE, DEMO, wrong="POST"),
    "inference:record_detail": Row((302, 404, 200, 200, 200), a_record, wrong="POST"),
    "inference:deployment_remove": Row(CLUSTER_PAGE, CHAT, wrong="POST"),
    "inference:deployment_yaml": Row(CLUSTER_PAGE, CHAT, wrong="POST"),
    "inference:pod_list": Row(CLUSTER_PAGE, DEMO, wrong="POST"),
    "inference:pod_detail": Row(CLUSTER_PAGE, CHAT_POD, wrong="POST"),
    "inference:pod_from_cluster": Row(CLUSTER_PAGE, CHAT_POD, wrong="POST"),
    "inference:pod_log": Row((302, 404, 502, 502, 502), CHAT_POD, wrong="POST", committed=True),
    "inference:pod_delete": Row((302, 404, 403, 502, 502), CHAT_POD, method="POST", wrong="DELETE"),
    "inference:service_detail": Row(CLUSTER_PAGE, CHAT, wrong="POST"),
    "inference:service_delete": Row((302, 404, 403, 409, 409), CHAT, method="POST", wrong="DELETE"),
    "inference:service_list": Row(CLUSTER_PAGE, DEMO, wrong="POST"),
    "inference:service_proxy": Row(
        (302, 404, 403, 502, 502),
        SERVED,
        committed=True,
    ),
    "api:deploy": Row(CHANGE_API, DEMO, method="POST", json=ORDER),
    "api:scale": Row(CHANGE_API, CHAT, method="PUT", json={"replicas": 2}, wrong="GET"),
    "api:restart": Row(CHANGE_API, CHAT, method="POST", wrong="GET"),
    "api:undeploy": Row(CHANGE_API, CHAT, method="POST", json={}, wrong="GET"),
    "api:service_proxy": Row((401, 404, 403, 502, 502), SERVED, committed=True),
    "api:proxy_request": Row(
        (401, 404, 403, 502, 502), DEMO, method="POST", json=CALL, wrong="GET", committed=True
    ),
    "api:flat_deploy": Row(FLAT_CHANGE, method="POST", json=FLAT_ORDER, wrong="GET"),
    "api:flat_scale": Row(FLAT_CHANGE, method="POST", json=FLAT_SCALE, wrong="GET"),
    "api:flat_undeploy": Row(FLAT_CHANGE, method="POST", json={"modelTag": "chat"}, wrong="GET"),
    "api:flat_proxy_request": Row(
        (401, 404, 403, 502, 502), method="POST", json=CALL, wrong="GET", committed=True
    ),
    "api:deployment_list": Row(API, DEMO),
    "api:pod_list": Row(API, DEMO, wrong="POST"),
    "api:service_list": Row(API, DEMO, wrong="POST"),
    "api:pod": Row((401, 404, 403, 502, 502), CHAT_POD, method="DELETE", wrong="GET"),
    "api:pod_log": Row((401, 404, 502, 502, 502), CHAT_POD, wrong="POST", committed=True),
    "api:deployment_manifest": Row((401, 404, 502, 502, 502), CHAT, wrong="POST"),
    "api:flat_deployments": Row(API, wrong="POST"),
    "api:flat_pods": Row(API, wrong="POST"),
    "api:flat_services": Row(API, wrong="POST"),
}
OPERATIONS = {
    "operations:list": Row(ROLE, wrong="POST"),
    "operations:detail": Row((302, 404, 200, 200, 200), an_operation, wrong="POST"),
    "operations:log": Row((302, 404, 200, 200, 200), an_operation, wrong="POST"),
    "operations:cancel": Row((302, 404, 403, 302, 302), an_operation, method="POST", wrong="GET"),
    "operations:retry": Row((302, 404, 403, 409, 409), an_operation, method="POST", wrong="GET"),
    "api:get_operation": Row(API, an_operation),
    "api:get_lines": Row(API, an_operation),
    "api:post_cancel": Row((401, 404, 403, 200, 200), an_operation, method="POST", json={}, wrong="GET"),
    "api:post_retry": Row((401, 404, 403, 409, 409), an_operation, method="POST", json={}, wrong="GET"),
}
POOL = {**DEMO, "namespace": "default", "name": "pool"}
SERVICE = {**POOL, "service": "pool-production"}
REFUSED_PAGE: Statuses = (302, 404, 403, 502, 502)
REFUSED_API: Statuses = (401, 404, 403, 502, 502)
MOVE = {"pod": "pool-1", "business": "production", "how": "now"}
NO_SHARES = {"dwell": "120", "patience": "60"}
A_POD = {"pod": "pool-1"}
PARTS = {"weight-unassigned": "1"}
NEW_SERVICE = {"name": "pool-production", "business": "production"}
SEVERAL = {**MOVE, "origin": "unassigned", "how": "auto"}
MOVES = {"pods": [{"name": "pool-1"}], "business": "production"}
FLAT_MOVE = {"podName": "pool-1", "businessTag": "production", "modelName": "pool"}
FLAT_SERVICE = {"serviceName": "pool-production", "businessTag": "production", "modelPool": "pool"}
POOLS = {
    "pools:pool_list": Row(CLUSTER_PAGE, DEMO, wrong="POST"),
    "pools:pool_detail": Row(CLUSTER_PAGE, POOL, wrong="POST"),
    "pools:pool_pods": Row(CLUSTER_PAGE, POOL, wrong="POST"),
    "pools:board_move": Row(REFUSED_PAGE, POOL, method="POST", data=SEVERAL, wrong="GET"),
    "pools:move": Row(REFUSED_PAGE, POOL, method="POST", data=MOVE, wrong="GET"),
    "pools:distribute": Row((302, 404, 403, 200, 200), POOL, wrong="PUT"),
    "pools:distribute_start": Row(REFUSED_PAGE, POOL, method="POST", data=PARTS, wrong="GET"),
    "pools:history": Row(CLUSTER_PAGE, POOL, wrong="POST"),
    "pools:history_csv": Row(CLUSTER_PAGE, POOL, wrong="POST"),
    "pools:history_undo": Row((302, 404, 403, 404, 404), POOL, wrong="POST"),
    "pools:history_undo_start": Row(
        (302, 404, 403, 404, 404), POOL, method="POST", data={"change": "x"}, wrong="GET"
    ),
    "pools:scale_preview": Row(REFUSED_PAGE, POOL, data={"replicas": "1"}, wrong="POST"),
    "pools:scale": Row(REFUSED_PAGE, POOL, method="POST", data={"replicas": "1"}, wrong="GET"),
    "pools:shares": Row(CLUSTER_PAGE, POOL, wrong="POST"),
    "pools:shares_save": Row((302, 404, 403, 302, 302), POOL, method="POST", data=NO_SHARES, wrong="GET"),
    "pools:shares_switch": Row(
        (302, 404, 403, 302, 302), POOL, method="POST", data={"to": "off"}, wrong="GET"
    ),
    "pools:end_exception": Row((302, 404, 403, 422, 422), POOL, method="POST", data=A_POD, wrong="GET"),
    "pools:clear_aside": Row((302, 404, 403, 422, 422), POOL, method="POST", data=A_POD, wrong="GET"),
    "pools:guard": Row(CLUSTER_PAGE, POOL, wrong="POST"),
    "pools:guard_state": Row((302, 404, 502, 502, 502), POOL, wrong="POST"),
    "pools:guard_install": Row((302, 404, 403, 403, 502), POOL, method="POST", wrong="GET"),
    "pools:guard_remove": Row((302, 404, 403, 403, 502), POOL, method="POST", wrong="GET"),
    "pools:rollout": Row(CLUSTER_PAGE, POOL, wrong="POST"),
    "pools:rollout_preview": Row(REFUSED_PAGE, POOL, data={"image": "vllm/vllm-openai:v1"}, wrong="POST"),
    "pools:rollout_start": Row(
        REFUSED_PAGE, POOL, method="POST", data={"image": "vllm/vllm-openai:v1"}, wrong="GET"
    ),
    "pools:create_service": Row(REFUSED_PAGE, POOL, method="POST", data=NEW_SERVICE, wrong="GET"),
    "pools:configure_service": Row(
        REFUSED_PAGE, DEMO, method="POST", data={**NEW_SERVICE, "pool": "default/pool"}, wrong="GET"
    ),
    "pools:delete_service": Row(REFUSED_PAGE, SERVICE, method="POST", wrong="GET"),
    "api:pool_list": Row(API, DEMO, wrong="POST"),
    "api:pool_detail": Row(API, POOL, wrong="POST"),
    "api:pool_history": Row(API, POOL, wrong="POST"),
    "api:pool_history_csv": Row(API, POOL, wrong="POST"),
    "api:pool_assign": Row(
        REFUSED_API, {**POOL, "pod": "pool-1"}, method="POST", json={"business": "production"}, wrong="GET"
    ),
    "api:pool_moves": Row(REFUSED_API, POOL, method="POST", json=MOVES, wrong="PUT"),
    "api:pool_load": Row(API, POOL, wrong="POST"),
    "api:pool_costs": Row(API, POOL, wrong="POST"),
    "api:pool_undo": Row((401, 404, 403, 404, 404), POOL, method="POST", json={"change": "x"}, wrong="GET"),
    "api:pool_distribute": Row(
        REFUSED_API, POOL, method="POST", json={"ratios": {"unassigned": 1}}, wrong="GET"
    ),
    "api:distribute_pods": Row(
        REFUSED_API, method="POST", json={"deploymentName": "pool", "ratios": {"unassigned": 1}}, wrong="GET"
    ),
    "api:pool_services": Row(API, POOL),
    "api:pool_guard": Row((401, 404, 502, 502, 502), POOL, wrong="POST"),
    "api:pool_rollout": Row(API, POOL, wrong="PUT"),
    "api:pool_shares": Row(API, POOL, wrong="POST"),
    "api:pool_shares_switch": Row(
        (401, 404, 403, 200, 200), POOL, method="POST", json={"enabled": False}, wrong="GET"
    ),
    "api:pool_end_exception": Row((401, 404, 403, 404, 404), POOL, method="POST", json=A_POD, wrong="GET"),
    "api:pool_clear_aside": Row((401, 404, 403, 404, 404), POOL, method="POST", json=A_POD, wrong="GET"),
    "api:scale_pool_deployment": Row(
        REFUSED_API,
        method="POST",
        json={"deploymentName": "pool", "targetReplicas": 1},
        wrong="GET",
    ),
    "api:pool_service": Row(REFUSED_API, SERVICE, method="DELETE", wrong="GET"),
    "api:assign_pod": Row(REFUSED_API, method="POST", json=FLAT_MOVE, wrong="GET"),
    "api:deploy_service": Row(REFUSED_API, method="POST", json=FLAT_SERVICE, wrong="GET"),
    "api:business_services": Row(API, wrong="POST"),
    "api:pool_status": Row(API, {"name": "pool"}, wrong="POST"),
}
ROWS: dict[str, Row] = {**POOLS, **SITE, **OPERATIONS, **ACCOUNTS, **AUDIT, **LIVE, **CLUSTERS, **INFERENCE}

EXEMPT: dict[str, str] = {
    "api:api-root": "ninja's own name for the prefix; it always answers 404",
}

# Live parts: what the socket says to a stranger, charlie, bob, alice, root and dora, who is an admin of
# another cluster, when their page wants to follow the part of `make_world` that it names; see
# tests/live/test_parts_access.py.
ONLOOKERS = (*PEOPLE, "dora")
JOINED, STRANGER_CODE, REFUSED_CODE = 101, 4401, 4403
PartCodes = tuple[int, int, int, int, int, int]
OF_CLUSTER: PartCodes = (STRANGER_CODE, REFUSED_CODE, JOINED, JOINED, JOINED, REFUSED_CODE)
OF_SITE: PartCodes = (STRANGER_CODE, REFUSED_CODE, JOINED, JOINED, JOINED, JOINED)

LIVE_PARTS: dict[str, PartCodes] = {
    "audit.entries": OF_SITE,
    "clusters.gpu_totals": OF_CLUSTER,
    "clusters.nodes": OF_CLUSTER,
    "inference.callable": OF_CLUSTER,
    "inference.deployment": OF_CLUSTER,
    "inference.deployments": OF_CLUSTER,
    "inference.pod": OF_CLUSTER,
    "inference.pod_log": OF_CLUSTER,
    "inference.pod_log_state": OF_CLUSTER,
    "inference.pods": OF_CLUSTER,
    "inference.service": OF_CLUSTER,
    "inference.services": OF_CLUSTER,
    "inference.status_counts": OF_CLUSTER,
    "inference.status_deployments": OF_CLUSTER,
    "inference.status_pods": OF_CLUSTER,
    "inference.status_services": OF_CLUSTER,
    "operations.detail": OF_CLUSTER,
    "operations.lines": OF_CLUSTER,
    "operations.list": OF_SITE,
    "pools.board": OF_CLUSTER,
    "pools.costs": OF_CLUSTER,
    "pools.history": OF_CLUSTER,
    "pools.timeline": OF_CLUSTER,
    "pools.list": OF_CLUSTER,
    "pools.pods": OF_CLUSTER,
    "pools.rollout": OF_CLUSTER,
    "pools.services": OF_CLUSTER,
    "pools.shares": OF_CLUSTER,
    "pools.summary": OF_CLUSTER,
    "site.attention": OF_CLUSTER,
    "site.audit": OF_CLUSTER,
    "site.cluster": OF_CLUSTER,
    "site.cluster_state": OF_CLUSTER,
    "site.operations": OF_CLUSTER,
    "site.running": OF_SITE,
}
