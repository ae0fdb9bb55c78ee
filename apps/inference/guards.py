"""The gate before a pool: writes on a Deployment whose pods are lent go through pools, or not at all.

    guards.register_pool_handler("undeploy", undeploy_pool)

A handler is a plain function, called inside inference's action (so it is permitted and audited there). It
gets `deployment` and the action's own arguments, checks what must hold for the pool, starts the operation.
"""

from collections.abc import Callable, Mapping
from typing import Any, Literal, Protocol, get_args

from django.utils.translation import gettext as _

from apps.gateways import labels
from apps.inference.statuses import Kind
from apps.inference.targets import DeploymentTarget
from apps.operations.models import Operation

Verb = Literal["scale", "restart", "undeploy"]
VERBS: tuple[Verb, ...] = get_args(Verb)


class PoolHandler(Protocol):
    """What pools registers for a verb."""

    def __call__(self, *, deployment: DeploymentTarget, **wish: Any) -> Operation:
        """Check and begin; raises when the pool's promise would be broken."""


class PoolRefused(Exception):
    """A write that would break a pool's promise, and that nobody has taught the portal to do safely."""

    problem_status = 409

    def __init__(self, name: str) -> None:
        self.message = _(
            "“%(name)s” is a Model Pool: its pods may be lent, so this goes through its pool page."
        ) % {"name": name}
        super().__init__(self.message)


class NotAModel(Exception):
    """A write on a Deployment that serves no model: the cluster's own add-ons, other people's work."""

    problem_status = 409

    def __init__(self, name: str) -> None:
        self.message = _("“%(name)s” serves no model, so the portal leaves it alone.") % {"name": name}
        super().__init__(self.message)


_handlers: dict[Verb, PoolHandler] = {}
_stock: list[Callable[[DeploymentTarget], int]] = []


def register_pool_handler(verb: Verb, handler: PoolHandler) -> None:
    """Have `handler` do `verb` on pools. A second handler for a verb is a ValueError."""
    if _handlers.setdefault(verb, handler) is not handler:
        raise ValueError(f"Two handlers for {verb} on pools")


def register_stock(count: Callable[[DeploymentTarget], int]) -> None:
    """Have `count` say how many pods of a pool are lent to nobody."""
    _stock[:] = [count]


def unassigned(deployment: DeploymentTarget) -> int | None:
    """A pool's free pods, for answers to the earlier panel's users; None for other deployments."""
    if deployment.kind is not Kind.POOL or not _stock:
        return None
    return _stock[0](deployment)


def handled(verb: Verb) -> bool:
    """Whether pools has learned the verb."""
    return verb in _handlers


def pool_handler(verb: Verb, deployment: DeploymentTarget) -> PoolHandler | None:
    """None for a standard deployment; a pool's handler, or PoolRefused; NotAModel for everything else."""
    if deployment.kind is Kind.OTHER:
        raise NotAModel(deployment.name)
    if deployment.kind is Kind.STANDARD:
        return None
    if verb not in _handlers:
        raise PoolRefused(deployment.name)
    return _handlers[verb]


def require_standard(manifest: Mapping[str, Any]) -> None:
    """Raise PoolRefused or NotAModel for the live object: asked by runners right before they write."""
    metadata = manifest.get("metadata") or {}
    own = metadata.get("labels") or {}
    if own.get(labels.DEPLOYMENT_TYPE) == labels.MODEL_POOL:
        raise PoolRefused(str(metadata.get("name", "")))
    if not own.keys() & {labels.DEPLOYMENT_TYPE, labels.MODEL_TYPE}:
        raise NotAModel(str(metadata.get("name", "")))
