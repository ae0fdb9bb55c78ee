"""The JSON patch of a change of hands: a compare-and-set of the business label and the intent annotation
together.

Both are compared: the label alone could come back to what it was (A, B, A) while an answer is late, the
stamp of an intent cannot. So a patch that lands late, after something else was decided, changes nothing.
"""

from typing import Any

from apps.gateways import labels
from apps.pools.live_view import PodFacts
from apps.pools.models import Intent


def pointer(*keys: str) -> str:
    """A JSON pointer under `/metadata`."""
    return "/metadata/" + "/".join(key.replace("~", "~0").replace("/", "~1") for key in keys)


BUSINESS = pointer("labels", labels.BUSINESS)
STAMP = pointer("annotations", labels.INTENT)
COST = pointer("annotations", labels.DELETION_COST)
APP = pointer("labels", labels.APP)
CHEAP = (labels.UNASSIGNED, labels.RETIRING)
# A pod made by others may have no annotations: a patch cannot add a key to a map that is not there.
NEW_ANNOTATIONS: tuple[dict[str, Any], ...] = (
    {"op": "test", "path": pointer("annotations"), "value": None},
    {"op": "add", "path": pointer("annotations"), "value": {}},
)


def cost_of(business: str) -> str:
    """What it costs to delete a pod in these hands: 100 when lent, -100 when free or retiring."""
    return labels.COST_FREE if business in CHEAP else labels.COST_LENT


def compare(intent: Intent, pod: PodFacts) -> list[dict[str, Any]]:
    """The tests: this very pod, with the business and the stamp that the intent was decided on. A retiring
    one is still where it was, too: once a scale-down has taken it out of its ReplicaSet, nobody would own it.
    """
    tests = [
        {"op": "test", "path": pointer("uid"), "value": intent.pod_uid},
        {"op": "test", "path": BUSINESS, "value": intent.origin},
    ]
    if intent.origin == labels.RETIRING and labels.APP in pod.labels:
        tests.append({"op": "test", "path": APP, "value": pod.labels[labels.APP]})
    if not pod.annotated:
        return [*tests, *NEW_ANNOTATIONS]
    return [*tests, {"op": "test", "path": STAMP, "value": intent.expected_stamp}]


def change(intent: Intent, pod: PodFacts) -> list[dict[str, Any]]:
    """Compare, then set label, stamp and deletion cost."""
    return [
        *compare(intent, pod),
        {"op": "replace", "path": BUSINESS, "value": intent.business},
        {"op": "add", "path": STAMP, "value": str(intent.pk)},
        {"op": "add", "path": COST, "value": cost_of(intent.business)},
    ]


def void(intent: Intent, pod: PodFacts) -> list[dict[str, Any]]:
    """Compare, then change the stamp only: from now on the intent's own patch cannot apply any more."""
    return [*compare(intent, pod), {"op": "add", "path": STAMP, "value": voided(intent)}]


def voided(intent: Intent) -> str:
    """The stamp that says that this intent came to nothing."""
    return f"void-{intent.pk}"
