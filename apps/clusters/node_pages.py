"""The list of nodes: filtered, sorted and cut into pages by the database, with the sums over all of them."""

from collections.abc import Sequence

from django.db.models import F, Func, IntegerField, JSONField, TextField, Value
from django.db.models.functions import Cast

from apps.clusters import gpus
from apps.clusters.gpus import NodeGpus, Totals
from apps.live import mirror, paging
from apps.live.paging import Objects, Page

COUNTED = ("used", "free", "pending", "pods")  # what the pods of the mirror say, not the node
SORTS: dict[str, str | None] = {
    "name": None,
    "ready": "ready",
    "type": "instance_type",
    "group": "group",
    "zone": "zone",
    "gpus": "gpu_capacity",
    **dict.fromkeys(COUNTED),
}


def node_page(
    cluster_id: int, *, q: str = "", sort: str = "", page: int = 1
) -> tuple[Page[NodeGpus], Totals]:
    """One page of the cluster's nodes, and the sums over all nodes."""
    nodes = gpus.node_gpus(cluster_id)
    paths = ("data__instance_type", "data__group", "data__zone")
    objects = paging.matching(mirror.objects(cluster_id, "nodes"), q.strip(), *paths)
    objects = with_count(objects, nodes, sort.removeprefix("-"))
    found, number, total = paging.cut(paging.ordered(objects, sort, SORTS), page)
    known = {node.name: node for node in nodes}
    rows = [known[name] for name in found.values_list("name", flat=True) if name in known]
    return Page(rows, number, total, {"q": q, "sort": sort}), gpus.totals(cluster_id, nodes)


def with_count(objects: Objects, nodes: Sequence[NodeGpus], key: str) -> Objects:
    """The nodes with a count of COUNTED as a column to sort by; as they are for every other key."""
    if key not in COUNTED:
        return objects
    counts = Value({node.name: getattr(node, key) for node in nodes}, JSONField())
    text = Func(counts, F("name"), function="jsonb_extract_path_text", output_field=TextField())
    return objects.annotate(**{key: Cast(text, IntegerField())})
