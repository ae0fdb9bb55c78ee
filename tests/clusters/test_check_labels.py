"""`manage.py check_labels`: nothing to say when all agree, a line for everything that a changed key left
behind.
"""

from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command

from apps.clusters.label_check import check_object, check_templates
from apps.gateways import labels
from tests.pools.world import World

POD: dict[str, Any] = {
    "metadata": {"name": "p", "namespace": "n", "annotations": {labels.INTENT: ""}, "labels": {}},
    "spec": {},
}


def test_code_and_templates_agree() -> None:
    assert check_templates() == []


def test_a_template_with_a_key_of_its_own_is_found() -> None:
    written = {**labels.in_templates(), "odd.yaml": {"busines"}}
    assert [finding.place for finding in check_templates(written)] == ["k8s_templates/odd.yaml"]


def test_an_object_of_ours_without_a_key_of_today_is_found() -> None:
    words = {finding.words for finding in check_object("pods", POD, frozenset())}
    assert f"lacks the label “{labels.BUSINESS}”" in words


def test_an_object_of_somebody_else_is_left_alone() -> None:
    foreign = {"metadata": {"name": "x", "labels": {"app": "x"}}, "spec": {"selector": {"app": "x"}}}
    assert check_object("services", foreign, frozenset()) == []


def test_what_still_uses_a_former_key_is_listed(world: World) -> None:
    out = StringIO()
    with pytest.raises(SystemExit):
        call_command("check_labels", former=["business"], stdout=out)
    text = out.getvalue()
    assert f"services {world.namespace}/llm-production: selector still uses “business”" in text
    assert f"pods {world.namespace}/{world.names()[0]}: labels still uses “business”" in text


def test_a_pool_of_ours_has_nothing_to_report(world: World) -> None:
    out = StringIO()
    call_command("check_labels", stdout=out)
    assert "0 findings" in out.getvalue()
