"""Security headers: on every page of the site, also refusals and errors, and stricter ones under https."""

import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.models import User
from tests import processes
from tests.access_table import ROWS, make_world
from tests.test_access import ADMIN, admin_url

ClientOf = Callable[[User], Client]
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
}
DIRECTIVES = {
    "default-src": "'none'",
    "style-src": "'self'",
    "connect-src": "'self'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
    "base-uri": "'none'",
}
SAFE = {"healthz", "readyz", "metrics"}  # for probes, answered before any other middleware


def wrong_in(answer: Any) -> list[str]:
    """What is missing of an answer's headers."""
    policy = answer.headers.get("Content-Security-Policy", "")
    said = {part.split()[0]: part.split(maxsplit=1)[1] for part in policy.split(";") if part.strip()}
    wrong = [name for name, value in HEADERS.items() if answer.headers.get(name) != value]
    wrong += [name for name, value in DIRECTIVES.items() if said.get(name) != value]
    scripts = said.get("script-src", "*").split()
    wrong += [source for source in scripts if source != "'self'" and not source.startswith("'nonce-")]
    return wrong + ["unsafe" for _part in (1,) if "unsafe" in policy or "*" in policy]


@pytest.mark.django_db
def test_every_page_of_the_site_has_them(root: User, alice: User, client_of: ClientOf) -> None:
    make_world()
    client, seen, wrong = client_of(root), 0, {}
    for name, row in ROWS.items():
        if name in SAFE or row.committed:
            continue
        answer = client.get(reverse(name, kwargs=dict(row.arguments())))
        seen, wrong[name] = seen + 1, wrong_in(answer)
    for name in ADMIN:
        answer = client.get(admin_url(name))
        seen, wrong[name] = seen + 1, wrong_in(answer)
    print(f"{seen} pages asked for their headers")
    assert {name: missing for name, missing in wrong.items() if missing} == {} and seen > 80


@pytest.mark.django_db
@pytest.mark.parametrize("url", ["/nowhere/", "/accounts/login/", "/c/none/pods/", "/api/none", "/%00"])
def test_strangers_and_errors_get_them_too(client: Client, url: str) -> None:
    assert wrong_in(client.get(url)) == []


def test_the_check_would_see_a_hole(client: Client, db: None) -> None:
    answer = client.get("/accounts/login/")
    answer.headers["Content-Security-Policy"] += "; script-src 'self' 'unsafe-inline'"
    del answer.headers["X-Frame-Options"]
    assert {"X-Frame-Options", "unsafe", "'unsafe-inline'"} <= set(wrong_in(answer))


ASK = """
import django, json
django.setup()
from django.conf import settings
from django.test import Client
answer = Client(headers={"host": "portal.example", "x-forwarded-proto": "https"}).get("/accounts/login/")
plain = Client(headers={"host": "portal.example"}).get("/accounts/login/")
cookie = answer.cookies["csrftoken"]
print(json.dumps({
    "hsts": answer.headers.get("Strict-Transport-Security", ""), "secure": bool(cookie["secure"]),
    "session": settings.SESSION_COOKIE_SECURE and settings.SESSION_COOKIE_HTTPONLY,
    "plain": [plain.status_code, plain.headers.get("Location", "")],
}))
"""


@pytest.mark.django_db(transaction=True)
def test_under_https_browsers_stay_there_and_cookies_too() -> None:
    origin = {"PORTAL_ORIGIN": "https://portal.example", "PORTAL_ALLOWED_HOSTS": "portal.example"}
    environment = processes.test_environment(**origin)
    command, project = [sys.executable, "-c", ASK], processes.PROJECT
    done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=True)
    said = json.loads(done.stdout.splitlines()[-1])
    assert said["hsts"] == "max-age=31536000; includeSubDomains; preload"
    assert said["secure"] and said["session"]
    assert said["plain"] == [301, "https://portal.example/accounts/login/"]
