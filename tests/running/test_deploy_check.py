"""Django's own deployment checks are clean with an https address, and would say what is not."""

from pathlib import Path

import pytest

from tests.processes import process

CHECK = ["manage.py", "check", "--deploy", "--fail-level", "WARNING"]
GIVEN = {"PORTAL_ORIGIN": "https://portal.example", "PORTAL_LOG_LEVEL": "WARNING"}


@pytest.mark.parametrize(("more", "code"), [({}, 0), ({"PORTAL_DEBUG": "true"}, 1)], ids=["clean", "debug"])
def test_the_deployment_checks(more: dict[str, str], code: int, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with process(*CHECK, log=log, **GIVEN, **more) as child:
        assert child.wait(120) == code, log.read_text()
    assert ("security.W018" in log.read_text()) == bool(code)
