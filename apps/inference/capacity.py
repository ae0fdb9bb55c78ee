"""Whether a pod can ever fit: the GPUs of the nodes that the mirror knows."""

from collections.abc import Sequence

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.live import mirror


def nodes(cluster_id: int) -> list[tuple[str, int]]:
    """(instance type, GPUs that pods may have) of every node; empty before the first list."""
    return [
        (data["instance_type"], data["gpu_allocatable"])
        for data in mirror.objects(cluster_id, "nodes").values_list("data", flat=True)
    ]


def instance_types(cluster_id: int) -> list[str]:
    """The types that the cluster's nodes have, by name."""
    return sorted({kind for kind, _gpus in nodes(cluster_id) if kind})


def problem(cluster_id: int, *, gpus: int, instance_types: Sequence[str] = ()) -> str:
    """Say why no node could ever hold such a pod; "" when one could or the nodes are not known yet."""
    known = nodes(cluster_id)
    largest = max((count for kind, count in known if not instance_types or kind in instance_types), default=0)
    if not known or gpus <= largest:
        return ""
    wanted = ngettext("No node has %(count)d GPU", "No node has %(count)d GPUs", gpus) % {"count": gpus}
    if instance_types:
        wanted = _("%(wanted)s among the chosen instance types") % {"wanted": wanted}
    return _("%(wanted)s; the largest has %(largest)d.") % {"wanted": wanted, "largest": largest}
