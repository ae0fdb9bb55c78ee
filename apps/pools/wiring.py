"""Where pools takes part in what stands below it: the mirror's changes, inference's guards and pages."""

from apps.inference import guards
from apps.live.kinds import on_change, on_events
from apps.live.rows import Change
from apps.pools import actions, columns, removal, service_tab  # noqa: F401  they register themselves
from apps.pools.handover import observing, switching
from apps.pools.scaling import actions as scaling


def connect() -> None:
    """Called once, when Django is ready."""
    on_events("pods", observing.events_told)
    on_change("pods", pods_changed)
    on_change("endpointslices", endpoints_changed)
    guards.register_pool_handler("undeploy", removal.undeploy_pool)
    guards.register_pool_handler("scale", scaling.scale_handler)
    guards.register_stock(scaling.stock_of)


def pods_changed(cluster_id: int, changes: list[Change]) -> None:
    """Mirrored pods changed: births, ends, external labels, and intents whose stamp has arrived."""
    observing.pods_changed(cluster_id, changes)


def endpoints_changed(cluster_id: int, changes: list[Change]) -> None:
    """Mirrored endpoints changed: which changes of hands have switched?"""
    switching.follow_all(cluster_id, {change.row.namespace for change in changes})
