"""Every form of the pages with values that make no sense: words beside the field, nothing half done."""

from collections.abc import Iterator
from html import unescape
from typing import Any

import pytest
from django.conf import settings
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from apps.accounts.models import User
from apps.operations.models import Operation
from hyperpod_site.checks import all_urls
from tests.access_table import ROWS
from tests.bad_input.answers import counted, harmless
from tests.bad_input.conftest import ClientOf
from tests.bad_input.forms import ELSEWHERE, FORMS
from tests.bad_input.hostile import NUMBER_PARTS, PATH_PARTS, TEXTS

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}
# Their refusal is a panel of its own, with its words above; the board's is JSON for its script.
IN_A_PANEL = {"pools:move", "pools:board_move", "inference:undeploy"}
CHECKED = [name for name, form in FORMS.items() if form.wrong]


@pytest.fixture(autouse=True)
def forget_login_attempts() -> Iterator[None]:
    """The login's own limit is another test's matter."""
    yield
    cache.clear()


def url(name: str, operation: Operation) -> str:
    own = {"pk": operation.pk} if name.startswith("operations:") else {}
    return reverse(name, kwargs={**FORMS[name].kwargs, **own})


@pytest.mark.django_db(transaction=True)
def test_every_url_that_takes_a_post_has_its_case(
    table: None, alice: User, operation: Operation, client_of: ClientOf
) -> None:
    names = {name for name, _pattern in all_urls() if not name.startswith(("api:", "admin:"))}
    taking = set()
    for name in (names & ROWS.keys()) - ELSEWHERE.keys():
        address = reverse(name, kwargs=dict(ROWS[name].arguments()))
        taking |= {name} if client_of(alice).post(address).status_code != 405 else set()
    assert taking - FORMS.keys() == set(), "forms without a case in tests/bad_input/forms.py"
    assert len(taking) >= 12


@pytest.mark.parametrize("name", CHECKED)
@pytest.mark.parametrize("headers", [{}, HTMX], ids=["page", "htmx"])
def test_a_wrong_value_is_refused_with_words_beside_its_field(
    operator: Client, operation: Operation, name: str, headers: dict[str, str]
) -> None:
    form, before = FORMS[name], counted()
    for field, value, words in form.wrong:
        answer = operator.post(url(name, operation), {**form.data, field: value}, headers=headers)
        page = unescape(answer.content.decode()) + answer.headers.get("HX-Trigger", "")
        assert answer.status_code == 422, (field, value[:40], answer.status_code)
        assert words in page, (field, value[:40], page[-3000:])
        if not headers and name not in IN_A_PANEL:  # htmx may get a toast
            beside = unescape(control_of(answer.content.decode(), field, value))
            assert words in beside, (field, value[:40], beside)
        harmless(answer, allowed=(422,))
    assert counted() == before
    print(f"{name}: {len(form.wrong)} wrong values refused")


def control_of(page: str, field: str, value: str) -> str:
    """The markup of a field, to the next one's label."""
    begin = page.index(f'name="{field}"')
    return page[begin : begin + 3_000 + 2 * len(value)].split("<label")[0]


@pytest.mark.parametrize("name", FORMS)
def test_hostile_text_in_any_field_does_no_harm(
    operator: Client, operation: Operation, undone: Any, name: str
) -> None:
    form = FORMS[name]
    refused = (403,) if form.admin else ()
    for field in form.data or {"anything": ""}:
        for text in TEXTS.values():
            data = {**form.data, field: text.encode("utf-8", "replace").decode()}
            with undone():
                answer = operator.post(url(name, operation), data, follow=name != "accounts:logout")
            harmless(answer, allowed=(200, 204, 302, 404, 409, 422, 429, *refused))


@pytest.mark.parametrize("name", [name for name, form in FORMS.items() if form.kwargs])
def test_forged_addresses_lead_nowhere(operator: Client, operation: Operation, name: str) -> None:
    before = counted()
    kwargs = FORMS[name].kwargs
    for argument, known in kwargs.items():
        parts, stand_in = (NUMBER_PARTS, 7777) if isinstance(known, int) else (PATH_PARTS, "zzzz")
        for part in parts:
            address = reverse(name, kwargs={**kwargs, argument: stand_in}).replace(str(stand_in), part)
            answer = operator.post(address, FORMS[name].data)
            harmless(answer, allowed=(301, 404, 409))
    assert counted() == before


@pytest.mark.parametrize("name", [name for name in FORMS if name != "accounts:login"])
def test_without_a_csrf_token_nothing_happens(
    table: None, alice: User, operation: Operation, name: str
) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice, backend="django.contrib.auth.backends.ModelBackend")
    before = counted()
    plain = client.post(url(name, operation), FORMS[name].data)
    toast = client.post(url(name, operation), FORMS[name].data, headers=HTMX)
    assert (plain.status_code, toast.status_code) == (403, 403)
    assert "This form is not from here" in plain.content.decode() and "toast" in toast["HX-Trigger"]
    assert counted() == before


@pytest.mark.parametrize("name", [name for name in FORMS if name != "accounts:login"])
def test_a_form_from_elsewhere_is_refused_even_with_a_token(
    table: None, alice: User, operation: Operation, name: str
) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice, backend="django.contrib.auth.backends.ModelBackend")
    token = client.get("/accounts/profile/").cookies["csrftoken"].value
    data = {**FORMS[name].data, "csrfmiddlewaretoken": token}
    before = counted()
    for origin in ("https://evil.example", "null", "http://testserver.evil.example"):
        answer = client.post(url(name, operation), data, headers={"Origin": origin})
        assert answer.status_code == 403, origin
    assert counted() == before


@pytest.mark.parametrize("name", sorted(FORMS.keys() - {"accounts:login", "accounts:logout"}))
def test_an_expired_session_leads_to_the_login_never_into_the_page(
    operator: Client, operation: Operation, name: str
) -> None:
    operator.cookies[settings.SESSION_COOKIE_NAME] = "expired"
    before = counted()
    plain = operator.post(url(name, operation), FORMS[name].data)
    toast = operator.post(url(name, operation), FORMS[name].data, headers=HTMX)
    assert plain.status_code == 302 and plain["Location"].startswith("/accounts/login/")
    assert toast.status_code == 401 and toast["HX-Redirect"].startswith("/accounts/login/")
    assert toast.content == b"" and counted() == before
