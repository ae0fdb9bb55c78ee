"""The system checks see what they are there for."""

from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.decorators import login_not_required
from django.core.management import call_command
from django.http import HttpRequest, HttpResponse
from django.urls import path

from apps.live import fragments
from hyperpod_site import checks, urls
from hyperpod_site.checks import all_urls, every_fragment_has_its_template, every_url_is_guarded


@login_not_required
def leak(request: HttpRequest) -> HttpResponse:
    return HttpResponse("everything")


urlpatterns = [path("leak/", leak, name="leak"), *urls.urlpatterns]


def test_the_site_passes_its_checks() -> None:
    call_command("check")
    assert len(list(all_urls())) > 40 and len(fragments.registered()) >= 5


def test_an_open_url_without_a_reason_is_an_error(settings: Any) -> None:
    settings.ROOT_URLCONF = __name__
    found = every_url_is_guarded(None)
    assert [(error.id, "leak" in error.msg) for error in found] == [("portal.E001", True)]


def test_an_open_api_operation_is_an_error() -> None:
    from hyperpod_site.api import api

    operation = api._get_bound_routers()[1].path_operations
    first = next(iter(operation.values())).operations[0]
    kept, first.auth_callbacks = first.auth_callbacks, []
    try:
        assert [error.id for error in every_url_is_guarded(None)] == ["portal.E002"]
    finally:
        first.auth_callbacks = kept


def test_a_fragment_without_its_template_is_an_error() -> None:
    fragment = SimpleNamespace(name="tests.lost", template="tests/nowhere.html#rows")
    fragments._fragments["tests.lost"] = fragment  # type: ignore[assignment]
    try:
        assert [error.id for error in every_fragment_has_its_template(None)] == ["portal.E003"]
    finally:
        del fragments._fragments["tests.lost"]


@pytest.mark.parametrize("name", checks.PUBLIC)
def test_every_public_url_exists_and_has_a_reason(name: str) -> None:
    assert name in {name for name, _pattern in all_urls()} and len(checks.PUBLIC[name]) > 10
