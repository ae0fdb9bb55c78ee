"""The sidebar: which pages there are, in which group, and on which of them the person is."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.urls import ResolverMatch, reverse
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True)
class Place:
    """One link of the sidebar: `views` are further pages that belong to it, `key` its keyboard shortcut."""

    label: Any
    view: str
    icon: str
    views: tuple[str, ...] = ()
    key: str = ""


@dataclass(frozen=True)
class Item:
    """A place as the page shows it."""

    label: Any
    url: str
    icon: str
    key: str
    current: bool


@dataclass(frozen=True)
class Group:
    """Items under one heading; the first group has none."""

    label: Any
    items: tuple[Item, ...]


OF_CLUSTER: tuple[tuple[Any, tuple[Place, ...]], ...] = (
    ("", (Place(_("Overview"), "overview", "overview", key="g h"),)),
    (
        _("Inference"),
        (
            Place(_("Deploy & test"), "inference:deploy", "deploy", key="g t"),
            Place(
                _("Deployments"),
                "inference:deployment_list",
                "deployments",
                ("inference:deployment_", "inference:record_"),
                "g d",
            ),
            Place(_("Pods"), "inference:pod_list", "pods", ("inference:pod_",), "g p"),
            Place(_("Services"), "inference:service_list", "services", ("inference:service_",), "g s"),
        ),
    ),
    (_("Pools"), (Place(_("Model pools"), "pools:pool_list", "pools", ("pools:",), "g m"),)),
    (_("Cluster"), (Place(_("Nodes & GPUs"), "clusters:node_list", "nodes", key="g n"),)),
)
EVERYWHERE = (
    Place(_("Operations"), "operations:list", "operations", ("operations:",), "g o"),
    Place(_("Audit"), "audit:list", "audit", ("audit:",), "g a"),
)
ADMIN = Place(_("Admin"), "admin:index", "admin")


def groups(match: ResolverMatch | None, *, cluster: str, admin: bool) -> list[Group]:
    """The sidebar's groups for the page that `match` leads to; `cluster` is a slug, or empty without one."""
    view = match.view_name if match else ""
    of_cluster = OF_CLUSTER if cluster else ()
    portal = (*EVERYWHERE, ADMIN) if admin else EVERYWHERE
    shown = [Group(label, items(places, view, {"cluster": cluster})) for label, places in of_cluster]
    return [*shown, Group(_("Portal"), items(portal, view, {}))]


def items(places: Sequence[Place], view: str, arguments: dict[str, str]) -> tuple[Item, ...]:
    """Places with their addresses."""
    return tuple(
        Item(place.label, reverse(place.view, kwargs=arguments), place.icon, place.key, is_at(place, view))
        for place in places
    )


def is_at(place: Place, view: str) -> bool:
    """Whether the view is the place itself or one of its details."""
    return view == place.view or bool(place.views and view.startswith(place.views))


def switches(match: ResolverMatch | None, slugs: Iterable[str]) -> dict[str, str]:
    """Where each cluster's entry in the switcher leads: the same list there, else its overview."""
    same = match.view_name if match and set(match.kwargs) == {"cluster"} else "overview"
    return {slug: reverse(same, kwargs={"cluster": slug}) for slug in slugs}
