"""Where pools takes part in what stands below it: the mirror's changes, inference's guards and pages."""

from apps.inference import guards
from apps.live.kinds import on_change, on_events
from apps.live.rows import Change
from apps.pools import actions, columns, removal, service_tab  # noqa: F401  they register themselves
from apps.pools.board import fragments as board  # noqa: F401  registers itself
from apps.pools.distribution import actions as distribution  # noqa: F401  registers itself
from apps.pools.guard import actions as guard  # noqa: F401  registers itself
from apps.pools.handover import observing, switching
from apps.pools.history import actions as undoing  # noqa: F401  registers itself
from apps.pools.history import fragments as history  # noqa: F401  registers itself
from apps.pools.history import nodes
from apps.pools.live_view import pool_of
from apps.pools.load import polling  # noqa: F401  registers its duty
from apps.pools.reconciler import deletion_costs, turns
from apps.pools.rollouts import actions as rollouts
from apps.pools.rollouts import fragments as rollout_fragments  # noqa: F401  registers itself
from apps.pools.scaling import actions as scaling
from apps.pools.shares import actions as shares  # noqa: F401  registers itself
from apps.pools.shares import fragments as share_fragments  # noqa: F401  registers itself


def connect() -> None:
    """Called once, when Django is ready."""
    on_events("pods", observing.events_told)
    on_change("pods", pods_changed)
    on_change("pods", nodes.pods_changed)
    on_change("endpointslices", endpoints_changed)
    guards.register_pool_handler("undeploy", removal.undeploy_pool)
    guards.register_pool_handler("scale", scaling.scale_handler)
    guards.register_pool_handler("restart", rollouts.restart_handler)
    guards.register_stock(scaling.stock_of)


def pods_changed(cluster_id: int, changes: list[Change]) -> None:
    """Mirrored pods changed: births, ends, external labels, and intents whose stamp has arrived."""
    observing.pods_changed(cluster_id, changes)
    pools = {(change.row.namespace, pool_of(change.row.labels)) for change in changes}
    rows = [change.new for change in changes if change.new and pool_of(change.new.labels)]
    wrong = deletion_costs.wrong_in(map(observing.facts_of_row, rows))
    turns.changed(cluster_id, {place for place in pools if place[1]}, wrong=wrong)


def endpoints_changed(cluster_id: int, changes: list[Change]) -> None:
    """Mirrored endpoints changed: which changes of hands have switched?"""
    namespaces = {change.row.namespace for change in changes}
    switching.follow_all(cluster_id, namespaces)
    turns.endpoints_changed(cluster_id, namespaces)
