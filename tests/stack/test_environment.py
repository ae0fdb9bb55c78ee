"""The person's own KUBECONFIG and AWS_* never reach a stack."""

from pathlib import Path

import pytest

from hyperpod_site.stack.environment import clean_environment, portal_environment, replaced


@pytest.fixture
def real_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", "production")
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "real")
    monkeypatch.setenv("PORTAL_SECRET_KEY", "someone-elses")


def test_the_shells_clusters_and_accounts_are_cleared(real_shell: None) -> None:
    assert not {name for name in clean_environment() if name.startswith(("KUBE", "AWS_", "PORTAL_"))}


def test_only_the_named_parts_can_be_replaced(real_shell: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORTAL_KUBECONFIG", "mine")
    assert replaced().keys() & {"PORTAL_KUBECONFIG", "PORTAL_SECRET_KEY", "KUBECONFIG"} == {
        "PORTAL_KUBECONFIG"
    }


def test_secrets_are_made_once_and_are_private(tmp_path: Path, real_shell: None) -> None:
    first = portal_environment(folder=tmp_path, database_url="d", redis_url="r", origin="o")
    again = portal_environment(folder=tmp_path, database_url="d", redis_url="r", origin="o")
    assert first["PORTAL_SECRET_KEY"] == again["PORTAL_SECRET_KEY"] != "someone-elses"
    assert (tmp_path / "secret-key").stat().st_mode & 0o777 == 0o600
