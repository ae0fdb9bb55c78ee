"""The invariants of docs/pools.md, asked when a run has come to rest: what is wrong, in words."""

from collections import Counter

from apps.gateways import labels
from apps.operations.models import Operation
from apps.operations.statuses import ACTIVE
from apps.pools.live_view import PodFacts
from apps.pools.models import Aside, Holding, Intent, Rollout, Share
from apps.pools.reconciler.sight import look
from apps.pools.rollouts.holding import mark_of
from apps.pools.scaling.names import is_detached
from apps.pools.selectors import pool as pool_row
from apps.pools.shares.keeping import assembled, policy_of
from apps.pools.shares.planning import next_act
from apps.pools.statuses import IntentState, Source
from tests.pools.chaos.referee import Referee
from tests.pools.checker import gaps
from tests.pools.scaling import leftovers, state_of
from tests.pools.world import World


def at_rest(world: World) -> list[str]:
    """What still has to come to an end; asked again and again until nothing is left."""
    found = [f"operation {row.title}: {row.status}" for row in Operation.objects.filter(status__in=ACTIVE)]
    found += [
        f"open intent {row}" for row in Intent.objects.filter(pool=world.record, state=IntentState.OPEN)
    ]
    found += [f"rollout of {row.started_at}" for row in Rollout.objects.filter(ended_at=None)]
    found += leftovers(world) + held(world)
    found += [f"{pod.name} is {pod.business}" for pod in world.pods() if between(pod)]
    return found + (unready(world) or strayed(world))


def held(world: World) -> list[str]:
    """The portal's own pause of the Deployment."""
    mark = mark_of(state_of(world))
    return [f"held for rollout {mark}"] if mark else []


def strayed(world: World) -> list[str]:
    """What the reconciler would still do for the pool's shares."""
    policy = policy_of(world.record)
    if policy is None or not policy.active:
        return []
    shared = assembled(world.record, policy, list(policy.shares.all()), look(world.outside, world.record))
    act = next_act(shared)
    return [act.words] if act else []


def between(pod: PodFacts) -> bool:
    """Whether the pod is on its way from one hand to another."""
    return pod.alive and pod.business in (labels.DRAINING, labels.RETIRING)


def unready(world: World) -> list[str]:
    """What the cluster itself has not finished."""
    wanted = world.outside.get("deployments", world.pool, namespace=world.namespace)["spec"]["replicas"]
    pods = world.pods()
    odd = [f"{pod.name} is {pod.state}" for pod in pods if not pod.ready or not pod.alive or is_detached(pod)]
    return odd + ([f"{len(pods)} pods of {wanted}"] if len(pods) != wanted else [])


def faults(world: World, referee: Referee) -> list[str]:
    """What must never be, at rest."""
    found = [f"lost to a controller: {words}" for words in referee.lost]
    replaced = Intent.objects.filter(business=labels.RETIRING, source=Source.RECONCILER)
    found += referee.forbidden(set(replaced.values_list("pod_uid", flat=True))) + referee.born_inside()
    found += below_floor(world)
    business = {pod.uid: pod.business for pod in world.pods()}
    for uid in set(referee.seen) - referee.proven:
        found += of_pod(world, referee, uid, business.get(uid))
    done = Intent.objects.filter(pool=world.record, state=IntentState.DONE)
    found += [f"{intent} is done without a row" for intent in done.filter(holding=None)]
    return found + sums(world, Counter(business.values()))


def below_floor(world: World) -> list[str]:
    """Businesses with fewer Ready pods than their floor while a Ready pod is free for them."""
    shares = Share.objects.filter(policy__pool=world.record, policy__enabled=True, policy__paused=False)
    aside = set(Aside.objects.filter(pool=world.record).values_list("pod_uid", flat=True))
    ready = [pod for pod in world.pods() if pod.ready and pod.alive and pod.uid not in aside]
    count = Counter(pod.business for pod in ready)
    return [
        f"{share.business} has {count[share.business]} of its floor of {share.floor}, and pods are free"
        for share in shares
        if count[share.business] < share.floor and count[labels.UNASSIGNED]
    ]


def of_pod(world: World, referee: Referee, uid: str, business: str | None) -> list[str]:
    """The pod's rows against its label now (None: it is gone), and against every label it had."""
    rows = list(Holding.objects.filter(pool=world.record, pod_uid=uid).order_by("from_at", "version", "pk"))
    told, chain = [row.business for row in rows], list(referee.seen[uid])
    name = referee.names[uid]
    late = referee.late[uid]
    whole = told[: len(chain)] == chain and follows(told[len(chain) :], late)
    right = follows(told, [*chain, *late]) if uid in referee.unseen else whole
    found = [] if right else [f"{name}: history {told}, labels {chain}"]
    open_rows = [row.business for row in rows if row.to_at is None]
    if open_rows != ([] if business is None else [business]):
        found.append(f"{name}: open intervals {open_rows}, label {business}")
    return found + gaps(uid, rows)


def follows(told: list[str], chain: list[str]) -> bool:
    """Whether `chain` tells everything in `told`, in that order, and maybe more."""
    left = iter(chain)
    return all(word in left for word in told)


def sums(world: World, pods: Counter[str]) -> list[str]:
    """The portal's own counts, as its pages show them."""
    row = pool_row(world.cluster.pk, world.namespace, world.pool)
    shown = Counter(pod.facts.business for pod in row.pods if pod.live) if row else Counter[str]()
    return [] if shown == pods else [f"the page counts {dict(shown)}, the cluster has {dict(pods)}"]
