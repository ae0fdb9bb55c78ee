"""What every refusal has in common, whoever asked: a clear status, words, and nothing of our insides."""

from typing import Any

from django.db import models

from apps.accounts.models import ApiToken, Grant, User
from apps.clusters.models import Cluster
from apps.inference.models import ModelDeployment
from apps.operations.models import Operation
from apps.pools.models import Holding, Intent
from tests.bad_input.hostile import leaks, live_markup

KEPT: tuple[type[models.Model], ...] = (
    ApiToken, Cluster, Grant, Holding, Intent, ModelDeployment, Operation, User,
)  # fmt: skip


def counted() -> dict[str, list[dict[str, Any]]]:
    """Every row that a refused wish must leave alone; the audit is not among them: it grows by refusals."""
    plain = {model: [field.attname for field in model._meta.concrete_fields] for model in KEPT}
    seen = {model: [name for name in names if name != "last_login"] for model, names in plain.items()}
    return {model.__name__: list(model.objects.order_by("pk").values(*seen[model])) for model in KEPT}  # type: ignore[attr-defined]  # every model has objects


def problem(answer: Any) -> dict[str, Any]:
    """The refusal of an API, checked: problem+json with words, the earlier panel's `success`, no insides."""
    assert answer["Content-Type"] == "application/problem+json", (answer.status_code, answer.content[:300])
    body: dict[str, Any] = answer.json()
    assert (body["status"], body["success"]) == (answer.status_code, False)
    assert body["detail"] and body["error"] == body["detail"] and body["title"] and body["code"]
    assert not leaks(answer.content.decode()), answer.content[:500]
    return body


def harmless(answer: Any, *, allowed: tuple[int, ...]) -> None:
    """An answer to a hostile request: one of the statuses, no insides, no live markup."""
    text = b"".join(answer).decode(errors="replace")  # files are streamed and have no content
    assert answer.status_code in allowed, (answer.status_code, text[:300])
    assert not leaks(text), text[:500]
    assert not answer["Content-Type"].startswith("text/html") or not live_markup(text), text[:500]
    assert "evil" not in answer.headers.get("Set-Cookie", "") and "evil" not in answer.cookies
