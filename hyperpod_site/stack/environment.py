"""The environment of a stack's processes: the person's own KUBECONFIG, AWS_* and PORTAL_* never reach them.

Only the `PORTAL_*` names in REPLACEABLE may replace a part.
"""

import os
import secrets
from pathlib import Path

from cryptography.fernet import Fernet

REPLACEABLE = (
    "PORTAL_DATABASE_URL",
    "PORTAL_REDIS_URL",
    "PORTAL_KUBECONFIG",
    "PORTAL_AWS_ENDPOINT_URL",
    "PORTAL_MLFLOW_TRACKING_URI",
)
CLEARED = ("AWS_", "KUBE", "PORTAL_", "MLFLOW_", "DJANGO_", "CELERY_")


def clean_environment() -> dict[str, str]:
    """The shell's environment without whatever could point a stack at somebody's real servers."""
    return {name: value for name, value in os.environ.items() if not name.startswith(CLEARED)}


def replaced() -> dict[str, str]:
    """The parts that the person replaces on purpose."""
    return {name: os.environ[name] for name in REPLACEABLE if os.environ.get(name)}


def portal_environment(*, folder: Path, database_url: str, redis_url: str, origin: str) -> dict[str, str]:
    """The variables of the portal's processes: throw-away AWS keys, and secrets kept in `folder`."""
    return {
        **clean_environment(),
        "DJANGO_SETTINGS_MODULE": "hyperpod_site.settings",
        "PORTAL_SECRET_KEY": kept_secret(folder / "secret-key", secrets.token_urlsafe(48)),
        "PORTAL_ENCRYPTION_KEYS": kept_secret(folder / "encryption-keys", Fernet.generate_key().decode()),
        "PORTAL_DATABASE_URL": database_url,
        "PORTAL_REDIS_URL": redis_url,
        "PORTAL_ORIGIN": origin,
        "PORTAL_DATA_DIR": str(folder / "data"),
        "AWS_ACCESS_KEY_ID": "embedded",
        "AWS_SECRET_ACCESS_KEY": "embedded",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def kept_secret(path: Path, fresh: str) -> str:
    """The secret in `path`, written there with mode 0600 the first time."""
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(fresh)
    return path.read_text()
