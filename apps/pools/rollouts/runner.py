"""The operation that rolls out: it changes the Deployment; handing over is the reconciler's work."""

from dataclasses import asdict, dataclass
from typing import Any

from django.utils.translation import gettext as _

from apps.clusters.connections import connect
from apps.gateways import labels
from apps.gateways.errors import GatewayError, PatchRefused
from apps.gateways.kubernetes import Kubernetes
from apps.inference import records as inference_records
from apps.operations.control import OperationFailed
from apps.operations.registry import runner
from apps.operations.run import Run, Seen
from apps.operations.services import Busy
from apps.pools.models import PoolRecord, Rollout
from apps.pools.reconciler.acts import NAME
from apps.pools.reconciler.reconciling import reconcile
from apps.pools.reconciler.sight import look
from apps.pools.refusals import PoolProblem
from apps.pools.rollouts import following, giving_up
from apps.pools.rollouts.plan import Plan, is_taken, plan
from apps.pools.rollouts.planning import is_fresh, min_ready_seconds
from apps.pools.rollouts.wishes import VersionWish, earlier
from apps.pools.scaling.state import PoolState, read
from apps.pools.statuses import Source

SETTLE = 60
DAY, HOUR = 86_400.0, 3600.0
TAKEN = 120.0
USUAL = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}


class StalePlan(PoolProblem):
    """The pool is not the one that the plan was made from."""

    problem_code = "stale_plan"


@dataclass(frozen=True)
class How:
    """`gives_up`: the business that may have a pod less; `timeout`: seconds for a pod's last requests;
    `settle`: seconds that a new pod must stay Ready (None: at least 60); `seen`: the plan that was looked at.
    """

    gives_up: str = ""
    timeout: int = 120
    settle: int | None = None
    seen: str = ""


@runner("Roll out pool")
def roll_out(run: Run, *, pool_id: int, wish: dict[str, Any], how: dict[str, Any]) -> None:
    """Give the pool another version; `wish` and `how` are a VersionWish and a How as JSON."""
    work = Work(
        run, PoolRecord.objects.select_related("cluster").get(pk=pool_id), VersionWish(**wish), How(**how)
    )
    try:
        found = run.once(_("Check the pool"), work.check)
        run.once(_("Write down what each business has"), lambda: work.begin(found))
        if work.how.gives_up:
            run.wait(_("Make room"), work.make_room, every=1, deadline=work.how.timeout + TAKEN)
        run.wait(_("Wait until every lent pod counts as available"), work.calm, every=1, deadline=HOUR)
        run.once(_("Change the Deployment"), lambda: work.change(found))
        run.wait(_("Replace pod by pod"), work.follow, every=1, deadline=DAY)
        run.once(_("Tidy up"), work.tidy)
    except (PoolProblem, GatewayError, OperationFailed, Busy) as error:
        work.leave()
        raise OperationFailed(str(error)) from error
    run.result(changes=found["changes"])


@roll_out.on_cancel
def cancel_roll_out(run: Run, *, pool_id: int, wish: dict[str, Any], how: dict[str, Any]) -> None:
    """Back to the version that ran before; the reconciler gives every business its pods back."""
    record = PoolRecord.objects.select_related("cluster").get(pk=pool_id)
    Work(run, record, VersionWish(**wish), How(**how)).roll_back()


@dataclass(frozen=True)
class Work:
    """A rollout at work."""

    run: Run
    record: PoolRecord
    wish: VersionWish
    how: How

    @property
    def kubernetes(self) -> Kubernetes:
        """The pool's cluster."""
        return connect(self.record.cluster_id).kubernetes

    @property
    def rollout(self) -> Rollout | None:
        """Its row, once it is written down."""
        return Rollout.objects.filter(pool=self.record, operation_id=str(self.run.pk)).first()

    def plan(self) -> Plan:
        """The plan as it would be now."""
        return plan(self.kubernetes, self.record, self.wish, gives_up=self.how.gives_up, own=int(self.run.pk))

    def check(self) -> dict[str, Any]:
        """Judge it again: the plan must be the one that was asked for."""
        found = self.plan()
        if self.how.seen and self.how.seen != found.version:
            raise StalePlan(_("The pool has changed since this was planned."))
        return {
            "owner": found.sight.state.owner_uid,
            "generation": found.sight.state.deployment["metadata"].get("generation", 0),
            "template": found.template,
            "strategy": found.strategy,
            "changes": [asdict(item) for item in found.changes],
        }

    def begin(self, found: dict[str, Any]) -> None:
        """The row of the rollout; one that somebody else's rollout left open becomes this one's."""
        sight = look(self.kubernetes, self.record)
        row = following.begin_told(
            self.record,
            sight,
            source=Source.PORTAL,
            by=self.run.operation.actor_name,
            before=found["owner"],
            wishes=found["changes"],
            operation_id=str(self.run.pk),
            timeout=self.how.timeout,
            gives_up=self.how.gives_up,
        )
        mine = {
            "gives_up": self.how.gives_up,
            "operation_id": str(self.run.pk),
            "before": found["owner"],
            "wishes": found["changes"],
        }
        Rollout.objects.filter(pk=row.pk).update(timeout=self.how.timeout, **mine)

    def make_room(self) -> Seen:
        """A pod of the business that gives one up retires, and its last requests end."""
        return giving_up.give_up(self.kubernetes, self.record, self.rollout, self.how.gives_up)

    def calm(self) -> Seen:
        """A new version would end a lent pod that is Ready for less than `minReadySeconds` at once."""
        return Seen(done=not is_fresh(self.state()), text=_("a lent pod became Ready a moment ago"))

    def change(self, found: dict[str, Any]) -> None:
        """Write template and strategy, unless somebody changed the Deployment since the plan."""
        state = self.state()
        if is_taken(state.deployment, found["template"]):
            return
        settle = self.how.settle
        seconds = max(SETTLE, min_ready_seconds(state.deployment)) if settle is None else settle
        operations = [
            {"op": "test", "path": "/metadata/generation", "value": found["generation"]},
            {"op": "add", "path": "/spec/strategy", "value": found["strategy"]},
            {"op": "add", "path": "/spec/minReadySeconds", "value": seconds},
            {"op": "replace", "path": "/spec/template", "value": found["template"]},
        ]
        self.patch(state, operations)
        for item in found["changes"]:
            self.run.log(f"{item['what']}: {item['before']} → {item['after']}")

    def patch(self, state: PoolState, operations: list[dict[str, Any]]) -> None:
        """Send it; StalePlan when a test failed."""
        try:
            self.kubernetes.patch_json("deployments", state.name, operations, namespace=state.namespace)
        except PatchRefused as error:
            raise StalePlan(_("Somebody else changed %(pool)s meanwhile.") % {"pool": state.name}) from error

    def follow(self) -> Seen:
        """Do what is next, and say how far it is."""
        report = reconcile(self.kubernetes, self.record)
        for act in report.done:
            self.run.log(f"{act.words}. {act.why}")
        state = self.state()
        newest = sum(pod.ready for pod in state.live)
        words = _("%(count)d of %(all)d pods are new") % {"count": newest, "all": state.replicas}
        row = self.rollout
        done = row is None or row.ended_at is not None
        return Seen(done=done, text="; ".join([words, *report.waits[:3]]))

    def tidy(self) -> None:
        """The usual strategy again, and the record of the deployment as it is now."""
        state = self.state()
        body = {"spec": {"strategy": USUAL}}
        self.kubernetes.patch_merge("deployments", state.name, body, namespace=state.namespace)
        inference_records.revise(
            cluster_id=self.record.cluster_id,
            deployment=dict(state.deployment),
            command=self.wish.command,
            by=self.run.operation.actor_name,
        )

    def roll_back(self) -> None:
        """The version that ran before comes back, if the new one reached the cluster."""
        row, state = self.rollout, self.state()
        if row is None or row.ended_at is not None:
            return
        before = next((item for item in state.sets if item["metadata"]["uid"] == row.before), None)
        if before is None or state.owner_uid == row.before:
            return
        number = int(before["metadata"]["annotations"][labels.REVISION])
        template = earlier(state, number)
        self.patch(state, [{"op": "replace", "path": "/spec/template", "value": template}])
        self.run.log(_("Back to version %(number)d.") % {"number": number})

    def leave(self) -> None:
        """Failed: what was begun stays under the reconciler's care, and ends there if it never came."""
        row = self.rollout
        if row is None or row.ended_at is not None:
            return
        self.run.log(_("%(name)s goes on handing over.") % {"name": NAME.capitalize()})

    def state(self) -> PoolState:
        """The pool as it is now."""
        return read(self.kubernetes, namespace=self.record.namespace, name=self.record.name)
