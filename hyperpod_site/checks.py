"""System checks of the whole site: every URL is guarded, every fragment's template exists."""

from collections.abc import Iterator, Sequence
from typing import Any

from django.apps import AppConfig
from django.core.checks import CheckMessage, Error, Tags, register
from django.template import TemplateDoesNotExist
from django.template.loader import get_template
from django.urls import URLPattern, URLResolver, get_resolver

from apps.live import fragments

PUBLIC = {
    "accounts:login": "strangers log in here",
    "healthz": "answers no more than that the process lives",
    "metrics": "asks for a token of its own, and is not there without one",
    "readyz": "answers which parts are away, nothing else",
}


def all_urls(resolver: Any = None, namespaces: tuple[str, ...] = ()) -> Iterator[tuple[str, URLPattern]]:
    """Every URL of the site with its full name ("clusters:node_list"); unnamed ones by their pattern."""
    for entry in (resolver or get_resolver()).url_patterns:
        if isinstance(entry, URLResolver):
            inner = (*namespaces, entry.namespace) if entry.namespace else namespaces
            yield from all_urls(entry, inner)
        else:
            yield ":".join((*namespaces, entry.name or str(entry.pattern))), entry


@register(Tags.security)
def every_url_is_guarded(app_configs: Sequence[AppConfig] | None, **_kwargs: Any) -> list[CheckMessage]:
    """Views that strangers may open stand in PUBLIC with a reason; API endpoints authenticate by ninja."""
    wrong = []
    for name, pattern in all_urls():
        if getattr(pattern.callback, "login_required", True) or name in PUBLIC or name.startswith("api:"):
            continue
        wrong.append(
            Error(f"The URL {name} is open to strangers.", hint="Say why in checks.PUBLIC.", id="portal.E001")
        )
    return wrong + open_endpoints()


def open_endpoints() -> list[CheckMessage]:
    """API operations without authentication."""
    from hyperpod_site.api import api  # after Django is ready: it imports every app's endpoints

    return [
        Error(f"The API operation {operation.view_func.__name__} is open to strangers.", id="portal.E002")
        for router in api._get_bound_routers()  # ninja has no public way to its final operations
        for view in router.path_operations.values()
        for operation in view.operations
        if not operation.auth_callbacks
    ]


@register(Tags.templates)
def every_fragment_has_its_template(
    app_configs: Sequence[AppConfig] | None, **_kwargs: Any
) -> list[CheckMessage]:
    """A fragment whose template is missing would fail in the push, far from whoever renamed it."""
    wrong: list[CheckMessage] = []
    for fragment in fragments.registered():
        try:
            get_template(fragment.template)
        except TemplateDoesNotExist:
            text = f"The fragment {fragment.name} has no template {fragment.template}."
            wrong.append(Error(text, id="portal.E003"))
    return wrong
