"""Plans of the recordings that read: discovery, lists and selectors, 410, watches, Tables."""

from __future__ import annotations

from devcluster.resources import resource
from tests.devcluster.wire import Json, Stage, load, recorded_body
from tests.devcluster.wire_objects import (
    copies,
    counts,
    demo_pods,
    endpoints_of_row,
    event_of_row,
    node_of_row,
    recorded,
    rows,
    service_of_row,
    workload_of_row,
)
from tests.devcluster.wire_plan import Act, Plan


def seed_pods(stage: Stage, exchanges: list[Json]) -> None:
    stage.place(*demo_pods())


SERVED = (
    "configmaps",
    "endpoints",
    "events",
    "namespaces",
    "namespaces/finalize",
    "namespaces/status",
    "nodes",
    "nodes/status",
    "persistentvolumeclaims",
    "persistentvolumeclaims/status",
    "persistentvolumes",
    "persistentvolumes/status",
    "pods",
    "pods/binding",
    "pods/eviction",
    "pods/log",
    "pods/proxy",
    "pods/status",
    "resourcequotas",
    "resourcequotas/status",
    "secrets",
    "serviceaccounts",
    "services",
    "services/proxy",
    "services/status",
    "daemonsets",
    "daemonsets/status",
    "deployments",
    "deployments/scale",
    "deployments/status",
    "replicasets",
    "replicasets/scale",
    "replicasets/status",
    "statefulsets",
    "statefulsets/scale",
    "statefulsets/status",
    "endpointslices",
)
# Eviction moved to policy/v1, services can be deleted by selector since 1.21, proxies list fewer verbs here.
LOOSE = {"proxy": ("verbs",), "eviction": ("version",), "services": ("verbs",)}
SAME_GROUPS = (
    "apps",
    "authorization.k8s.io",
    "rbac.authorization.k8s.io",
    "admissionregistration.k8s.io",
    "scheduling.k8s.io",
    "coordination.k8s.io",
    "batch",
)


def served_only(body: Json) -> Json:
    """The resources both servers have."""
    kept = {}
    for entry in body["resources"]:
        if entry["name"] in SERVED:
            loose = LOOSE.get(entry["name"].rpartition("/")[2], ())
            kept[entry["name"]] = {key: value for key, value in entry.items() if key not in loose}
    version = body["groupVersion"].replace("v1beta1", "v1")
    return {
        "kind": body["kind"],
        "apiVersion": body.get("apiVersion"),
        "groupVersion": version,
        "resources": kept,
    }


def same_groups(body: Json) -> Json:
    groups = {
        item["name"]: item["preferredVersion"] for item in body["groups"] if item["name"] in SAME_GROUPS
    }
    return {**body, "groups": groups}


def without_address(body: Json) -> Json:
    return {key: value for key, value in body.items() if key != "serverAddressByClientCIDRs"}


DISCOVERY = Plan(
    "01-discovery",
    adapt={0: sorted, 1: without_address, 2: same_groups, 3: served_only, 4: served_only, 6: served_only},
)


def at_revision(number: int) -> Act:
    def act(stage: Stage, exchange: Json) -> None:
        stage.store.revision = max(stage.store.revision, number)

    return act


def sorted_rows(body: Json) -> Json:
    """The watch cache of 1.20 gives rows in no order."""
    return {**body, "rows": sorted(body["rows"], key=lambda row: str(row["cells"][0]))}


SELECTORS = Plan("02-list-selectors", seed_pods, before={0: at_revision(61_060)}, adapt={19: sorted_rows})


def seed_forgotten(stage: Stage, exchanges: list[Json]) -> None:
    stage.place(*demo_pods())
    stage.store.revision = 65_056
    stage.store.compact()


GONE = Plan("03-gone-410", seed_forgotten)


def live_through(kind: str) -> Act:
    """Replay what happened to the objects of a kind while the watch was open."""

    def act(stage: Stage, exchange: Json) -> None:
        source = load("04-watch-stream")[1] if kind == "Pod" else exchange
        for line in recorded_body(source):
            if line["type"] == "DELETED":
                metadata = line["object"]["metadata"]
                stage.store.revision = int(metadata["resourceVersion"]) - 1
                stage.store.delete(resource("pods"), metadata["namespace"], metadata["name"])
            elif line["type"] != "BOOKMARK":
                stage.place(line["object"])

    return act


def no_bookmarks(lines: list[Json]) -> list[Json]:
    """When bookmarks come is the server's affair; test_api_watch.py looks at them."""
    return [line for line in lines if line["type"] != "BOOKMARK"]


def seed_watched(stage: Stage, exchanges: list[Json]) -> None:
    stage.place(recorded("02-list-selectors", "Pod", "pool-a-85d845b4b6-7rj8s"))


WATCHES = Plan(
    "04-watch-stream",
    seed_watched,
    before={index: at_revision(62_037) for index in (0, 1, 2, 3, 6)},
    during={**{index: live_through("Pod") for index in range(4)}, 6: live_through("ConfigMap")},
    adapt=dict.fromkeys(range(7), no_bookmarks),
    fresh=True,
)


def seed_tables(stage: Stage, exchanges: list[Json]) -> None:
    pods = {item["metadata"]["name"]: item for item in demo_pods()}
    pods["not-ready"]["metadata"] = rows("05-table-and-metadata", 0)[0]["object"]["metadata"]
    sets = [workload_of_row(row, "ReplicaSet", counts(row)) for row in rows("05-table-and-metadata", 4)]
    nodes = [node_of_row(row) for row in rows("05-table-and-metadata", 3)]
    others = [{**nodes[0], "metadata": {"name": f"zz-{number:02}"}} for number in range(17)]
    single = recorded("17-pod-and-node-states", "Node", "hyperpod-i-m5-4xlarge-0000")
    events = [event_of_row(row) for row in rows("05-table-and-metadata", 6)]
    stage.place(
        *pods.values(),
        *sets,
        *copies(sets[0], 1),
        *nodes,
        *others,
        single,
        *events,
        *copies(events[0], 20),
        *(
            workload_of_row(row, "Deployment", counts(row, "updatedReplicas"))
            for row in rows("05-table-and-metadata", 1)
        ),
        *(service_of_row(row) for row in rows("05-table-and-metadata", 2)),
        *(endpoints_of_row(row) for row in rows("05-table-and-metadata", 5)),
    )


def sorted_lines(lines: list[Json]) -> list[Json]:
    """The order of the first events of a watch is not promised; heads stand in whichever comes first."""
    heads = lines[0]["object"]["columnDefinitions"]
    plain = [{**line, "object": {**line["object"], "columnDefinitions": heads}} for line in lines]
    return sorted(plain, key=lambda line: str(line["object"]["rows"][0]["cells"][0]))


TABLES = Plan("05-table-and-metadata", seed_tables, adapt=dict.fromkeys((15, 16, 17), sorted_lines))
