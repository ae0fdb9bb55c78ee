"""What the environment may say: `PORTAL_*` variables, typed and checked once at start.

Nothing else of the shell is read: `KUBECONFIG` and `AWS_*` of the person who starts the portal belong
to that person.
"""

from functools import cache

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

LEAST_TOKEN = 24


class Environment(BaseSettings):
    """The portal's configuration; the names below with `PORTAL_` before them, in capitals."""

    model_config = SettingsConfigDict(env_prefix="PORTAL_", extra="ignore")

    secret_key: str = Field(min_length=32, description="Signs sessions; at least 32 characters")
    encryption_keys: str = Field(min_length=32, description="Fernet keys, newest first, comma separated")
    debug: bool = False
    allowed_hosts: str = Field("localhost,127.0.0.1", description="More names than the one in `origin`")
    origin: str = Field(
        "http://localhost:8000", description="The address that people type, for CSRF and sockets"
    )
    database_url: str = Field(description="postgres://user:password@host:port/name, or ?host=/socket/folder")
    redis_url: str = Field("redis://127.0.0.1:6379/0", description="redis:// or unix:///path?db=0")
    redis_prefix: str = "portal"
    database_pool: int = Field(
        20, description="Most connections of a web process; 0 in prefork workers, whose fork breaks a pool"
    )
    kubeconfig: str = Field(
        "", description="A kubeconfig that `manage.py seed_demo` registers as the first cluster"
    )
    aws_endpoint_url: str = Field("", description="Replaces AWS' own addresses, for the demo and for tests")
    mlflow_tracking_uri: str = ""
    operations_lease: float = Field(15, description="Seconds of silence after which a worker counts as dead")
    drain_settle: float = Field(
        3, ge=0, description="Seconds that a drained engine must stay idle: longer than any proxy lags behind"
    )
    data_dir: str = Field("", description="Where scripts keep their output files")
    api_rate: str = Field("600/m", description="API requests per user")
    model_calls: int = Field(240, gt=0, description="Model calls that one web process runs at once")
    model_calls_each: int = Field(100, gt=0, description="The same, for one person")
    metrics_token: str = Field("", description="What readers of /metrics must bring; empty: no /metrics")
    alive_file: str = Field("", description="Touched by worker, beat and watcher while they go on")
    log_level: str = "INFO"
    log_json: bool = True

    @field_validator("metrics_token")
    @classmethod
    def long_enough(cls, token: str) -> str:
        """A short token can be guessed. Raises ValueError, which pydantic turns into words."""
        if token and len(token) < LEAST_TOKEN:
            raise ValueError(f"at least {LEAST_TOKEN} characters, or empty")
        return token


@cache
def environment() -> Environment:
    """The environment, read once. Raises pydantic's ValidationError that names each wrong variable."""
    return Environment()
