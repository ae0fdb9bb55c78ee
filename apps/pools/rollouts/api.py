"""The JSON API of rollouts: `/api/c/<cluster>/pools/<namespace>/<name>/rollout`."""

from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from ninja import Field, Path, Router, Schema, Status

from apps.accounts import policy
from apps.clusters import choice
from apps.operations.services import operation_url
from apps.pools.api import found, seen, target
from apps.pools.permissions import ROLL_OUT
from apps.pools.rollouts import actions
from apps.pools.rollouts.plan import NothingNew, Plan
from apps.pools.rollouts.runner import How
from apps.pools.rollouts.status import Progress, status_of
from apps.pools.rollouts.wishes import VersionWish
from apps.pools.shapes import Strict, Tag

router = Router(tags=["pools"])
PLACE = "/pools/{namespace}/{name}/rollout"


class VersionIn(Strict):
    """Another version; what is left out stays. `revision` takes an earlier one, `restart` makes new pods of
    the same. `gives_up` answers `needs_room`; `plan` is the version of a plan: refused when it is stale.
    """

    image: str = Field("", max_length=300)
    command: str = Field("", max_length=10_000)
    gpus: int | None = None
    cpu: str = Field("", max_length=20)
    memory: str = Field("", max_length=20)
    revision: int | None = None
    restart: bool = False
    gives_up: Tag = ""
    timeout: int = How.timeout
    settle: int | None = Field(None, ge=actions.WATCHED)
    plan: str = Field("", max_length=64)
    dry_run: bool = False
    reason: str = Field("", max_length=500)


class ChangeOut(Schema):
    """One thing that changes."""

    what: str
    before: str
    after: str


class StepOut(Schema):
    """An old pod and what becomes of it."""

    pod: str
    business: str
    words: str


class PlanOut(Schema):
    """What a rollout would do; with an operation, what it does."""

    success: bool = True
    plan: str
    surge: bool
    gives_up: str
    room: str
    changes: list[ChangeOut]
    steps: list[StepOut]
    operation: int | None = None
    operationUrl: str = ""


class ProgressOut(Schema):
    """A rollout under way."""

    source: str
    by: str
    since: datetime
    old: list[str]
    new: list[str]
    ready: int
    wanted: dict[str, int]
    waits: list[str]
    operation: str


class VersionOut(Schema):
    """A version that the cluster keeps."""

    revision: int
    image: str
    pods: int
    current: bool


class RolloutOut(Schema):
    """A pool's versions; `progress` is null when nothing is under way."""

    progress: ProgressOut | None
    versions: list[VersionOut]


@router.get(PLACE, url_name="pool_rollout", response=RolloutOut, summary="Versions and rollout")
def rollout(request: HttpRequest, cluster: Path[str], namespace: str, name: str) -> RolloutOut:
    """What is under way, and what could be rolled back to."""
    status = status_of(found(seen(request, cluster), namespace, name))
    versions = [
        VersionOut(revision=item.number, image=item.image, pods=item.pods, current=item.current)
        for item in status.versions
    ]
    return RolloutOut(progress=progress_out(status.progress), versions=versions)


@router.post(
    PLACE, url_name="pool_rollout", response={200: PlanOut, 202: PlanOut}, summary="Roll out a version"
)
def roll_out(
    request: HttpRequest, cluster: Path[str], namespace: str, name: str, wish: VersionIn
) -> Status[PlanOut]:
    """Replace every pod; each business keeps its pods. With `dry_run` only the plan."""
    row = seen(request, cluster)
    place, person = target(row, namespace, name), choice.person(request)
    version, how = wishes_of(wish)
    if wish.dry_run:
        policy.require(person, ROLL_OUT, cluster=row.slug)
        plan = actions.preview((place.cluster_id, place.namespace, place.name), version, how)
        return Status(200, plan_out(plan))
    begun = actions.roll_out_pool(by=person, pool=place, wish=version, how=how, reason=wish.reason)
    pk = begun.operation.pk
    work = {"operation": pk, "operationUrl": operation_url(pk)}
    return Status(202, plan_out(begun.plan).model_copy(update=work))


def wishes_of(wish: VersionIn) -> tuple[VersionWish, How]:
    """The request in our values. Raises NothingNew for an empty one."""
    version = VersionWish(
        image=wish.image,
        command=wish.command,
        gpus=wish.gpus,
        cpu=wish.cpu,
        memory=wish.memory,
        revision=wish.revision,
        restart=timezone.now().isoformat() if wish.restart else "",
    )
    if version == VersionWish():
        raise NothingNew(_("Say what is to change."))
    return version, How(wish.gives_up, wish.timeout, wish.settle, wish.plan)


def plan_out(plan: Plan) -> PlanOut:
    """A plan as JSON."""
    return PlanOut(
        plan=plan.version,
        surge=plan.surge,
        gives_up=plan.gives_up,
        room=plan.room,
        changes=[ChangeOut(what=item.what, before=item.before, after=item.after) for item in plan.changes],
        steps=[StepOut(pod=item.pod, business=item.business, words=item.words) for item in plan.steps],
    )


def progress_out(progress: Progress | None) -> ProgressOut | None:
    """How far it is, as JSON."""
    if progress is None:
        return None
    row: Any = progress.rollout
    return ProgressOut(
        source=row.source,
        by=row.by,
        since=row.started_at,
        old=[pod.name for pod in progress.old],
        new=[pod.name for pod in progress.new],
        ready=progress.ready,
        wanted=progress.wanted,
        waits=progress.waits,
        operation=row.operation_id,
    )
