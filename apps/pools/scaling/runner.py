"""The operation that changes a pool's size. Every step looks before it acts, so that any may be repeated."""

from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.clusters.connections import connect
from apps.gateways.errors import GatewayError, PatchRefused
from apps.gateways.kubernetes import Kubernetes
from apps.operations.control import OperationFailed
from apps.operations.periodic import periodic
from apps.operations.registry import runner
from apps.operations.run import Run, Seen
from apps.operations.services import Busy
from apps.pools.models import PoolRecord
from apps.pools.refusals import PoolProblem
from apps.pools.scaling import fence, healing, marking, sweeping, unfenced
from apps.pools.scaling.choosing import Scaling, chosen, converge, retire, wait_for_requests
from apps.pools.scaling.detaching import delete
from apps.pools.scaling.marking import Mark
from apps.pools.scaling.names import is_detached
from apps.pools.scaling.planning import plan
from apps.pools.scaling.state import PoolState, observed, read

LONGEST = timedelta(hours=2)
"""A mark or fence older than that is forgotten, also where no row of ours speaks of its operation."""
HEAL_SECONDS = 20.0
RELEASE = 120.0

periodic("pools.scale sweep", every=10)(sweeping.sweep)


@runner("Scale pool")
def scale_pool(run: Run, *, pool_id: int, replicas: int, timeout: int) -> None:
    """Give the pool so many pods; going down, only free ones leave. `timeout`: seconds for their requests."""
    record = PoolRecord.objects.select_related("cluster").get(pk=pool_id)
    kubernetes = connect(record.cluster_id).kubernetes
    begun = False
    try:
        found = run.once(_("Check the pool"), lambda: begin(run, kubernetes, record, replicas))
        begun = True
        if found["before"] < replicas:
            grow(run, kubernetes, record, found["before"], replicas)
        else:
            shrink(Scaling(run, kubernetes, record, Mark(**restored(found)), timeout))
    except (PoolProblem, GatewayError, OperationFailed, Busy) as error:
        if begun:
            mend(run, kubernetes, record)
        raise OperationFailed(str(error)) from error
    run.result(before=found["before"], after=replicas)


@scale_pool.on_cancel
def cancel_scale(run: Run, *, pool_id: int, replicas: int, timeout: int) -> None:
    """Before the size is set everything is undone; after it, the rest is done."""
    record = PoolRecord.objects.select_related("cluster").get(pk=pool_id)
    mend(run, connect(record.cluster_id).kubernetes, record)


def mend(run: Run, kubernetes: Kubernetes, record: PoolRecord) -> None:
    """Put right what is half done; what the cluster does not let us do now, the sweep does."""
    run.shield()
    if healing.heal_for(kubernetes, record, seconds=HEAL_SECONDS):
        run.log(_("Everything is put right again; lent pods were not touched."))
    else:
        run.log(_("It could not be put right yet; the portal goes on with that in the background."))


def begin(run: Run, kubernetes: Kubernetes, record: PoolRecord, replicas: int) -> dict[str, Any]:
    """Judge the wish against the cluster itself; what is kept is the mark that will stand there."""
    found = plan(kubernetes, record, replicas, own=run.pk)
    return {
        "operation": str(run.pk),
        "before": found.current,
        "replicas": replicas,
        "owner": found.state.owner_uid,
        "until": (timezone.now() + LONGEST).isoformat(),
        "fenced": found.fenced,
        "victims": [victim.uid for victim in found.victims],
    }


def restored(found: dict[str, Any]) -> dict[str, Any]:
    """The mark's fields from the kept JSON."""
    return {**found, "until": datetime.fromisoformat(found["until"])}


def grow(run: Run, kubernetes: Kubernetes, record: PoolRecord, before: int, replicas: int) -> None:
    """New pods are free stock; whoever needs them need not wait for the models to load."""
    place = {"namespace": record.namespace, "name": record.name}

    def set_size() -> None:
        if read(kubernetes, **place).replicas != replicas:
            kubernetes.scale(
                "deployments", record.name, replicas, namespace=record.namespace, expected=before
            )

    def made() -> Seen:
        state = read(kubernetes, **place)
        words = _("%(live)d of %(count)d pods are there") % {"live": len(state.live), "count": replicas}
        return Seen(done=state.seen and len(state.live) >= replicas, text=words)

    run.once(_("Set the size"), set_size)
    run.shield()
    run.wait(_("Wait until the pods are there"), made, every=1, deadline=RELEASE)


def shrink(work: Scaling) -> None:
    """The fenced detach, or without the right to a fence the quick one."""
    run = work.run
    run.once(_("Write down what is intended"), lambda: announce(work))
    run.once(_("Choose free pods"), lambda: retire(work))
    wait_for_requests(work)
    if work.mark.fenced:
        put_fence(work)
        run.wait(_("Take them out of the pool"), lambda: converge(work), every=0.3, deadline=RELEASE)
        run.once(_("Set the size"), lambda: set_size(work))
    else:
        run.once(_("Take them out of the pool and set the size"), lambda: unfenced.leave(work, set_size))
    run.shield()
    run.wait(_("Wait until the cluster has taken it"), lambda: taken(work), every=0.5, deadline=RELEASE)
    run.wait(_("Delete the pods"), lambda: finish(work), every=0.5, deadline=RELEASE)


def announce(work: Scaling) -> None:
    """The intent on the Deployment, before anything else is changed."""
    marking.write(work.kubernetes, work.state(), work.mark.text)


def put_fence(work: Scaling) -> None:
    """Stop the ReplicaSet from making pods, and wait until that holds."""

    def stands() -> Seen:
        state = work.state()
        work.check(state)
        fence.put_up(work.kubernetes, state, operation=work.mark.operation, until=work.mark.until)
        return fence.standing(work.kubernetes, state)

    work.run.wait(_("Put up the fence"), stands, every=0.3, deadline=60)


def set_size(work: Scaling) -> None:
    """Set it under our mark and from the size that was; done already when an answer was lost."""
    state = work.state()
    if state.replicas == work.mark.replicas:
        return
    work.check(state)
    change = marking.resize(work.mark)
    try:
        work.kubernetes.patch_json("deployments", state.name, change, namespace=state.namespace)
    except PatchRefused as error:
        if work.state().replicas != work.mark.replicas:
            raise OperationFailed(
                _("Somebody else changed %(pool)s meanwhile.") % {"pool": state.name}
            ) from error


def taken(work: Scaling) -> Seen:
    """Whether both controllers know the new size, and the ReplicaSet has no pod too many."""
    state = work.state()
    newest = state.newest
    known = state.seen and newest is not None and observed(newest) and spec_of(state) == work.mark.replicas
    words = _("the ReplicaSet has %(count)d pods") % {"count": state.counted}
    return Seen(done=bool(known) and state.counted <= work.mark.replicas, text=words)


def spec_of(state: PoolState) -> int:
    """The current ReplicaSet's wished number."""
    return int((state.newest or {}).get("spec", {}).get("replicas", 0))


def finish(work: Scaling) -> Seen:
    """Delete the victims, each by its uid; then the fence goes, and the mark last."""
    state = work.state()
    left = [pod for pod in state.pods if is_detached(pod)]
    for pod in left:
        delete(work.kubernetes, work.record, pod)
        work.run.log(_("Deleted %(pod)s.") % {"pod": pod.name})
    fence.remove(work.kubernetes, namespace=state.namespace, pool=state.name)
    if state.mark:
        marking.write(work.kubernetes, state, None)
    gone = len(chosen(work))
    words = ngettext("%(count)d pod is gone", "%(count)d pods are gone", gone) % {"count": gone}
    return Seen(done=True, text=words)
