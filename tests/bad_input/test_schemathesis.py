"""The API against its own description: generated requests, right and wrong, are never answered with a 5xx."""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as rules
from schemathesis.checks import not_a_server_error
from schemathesis.generation.modes import GenerationMode
from schemathesis.specs.openapi.checks import response_schema_conformance

from apps.accounts.actions import make_token
from apps.accounts.models import User
from apps.operations.models import Operation as Row
from tests.bad_input.schema import Operation, description, operations

pytestmark = pytest.mark.django_db
EXAMPLES = 10  # of each mode, for each operation
RULES = rules(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def schema() -> Any:
    """The API's description for the portal's own WSGI application; reading our code for it takes a while."""
    found = schemathesis.openapi.from_dict(deepcopy(description()))
    found.app = get_wsgi_application()
    found.config.generation.update(modes=list(GenerationMode))
    found.config.phases.coverage.enabled = False
    return found


@pytest.fixture
def described(table: None, schema: Any, settings: Any) -> Iterator[Any]:
    """As in Django's test client, the end of a request does not close the test's database connection."""
    settings.PORTAL_API_RATE = "1000000/m"
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield schema
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def bearer(alice: User) -> dict[str, str]:
    """Alice's token."""
    _token, text = make_token(by=alice, name="schemathesis", days=7)
    return {"Authorization": f"Bearer {text}"}


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize("asked", [asked for asked in operations() if "proxy" not in asked.path], ids=str)
def test_no_request_makes_the_portal_fail(
    described: Any,
    bearer: dict[str, str],
    operation: Row,
    asked: Operation,
    mode: GenerationMode,
    undone: Any,
) -> None:
    tried = 0

    @RULES
    @given(case=described[asked.path][asked.method].as_strategy(generation_mode=mode))
    def check(case: Any) -> None:
        nonlocal tried
        tried += 1
        with undone():
            case.call_and_validate(headers=bearer, checks=(not_a_server_error, response_schema_conformance))

    if mode is GenerationMode.NEGATIVE and not asked.inputs and asked.body is None:
        return  # there is nothing that could be wrong
    check()
    print(f"{asked}: {tried} {mode.value} requests")
