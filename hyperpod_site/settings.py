"""Django's settings: one file, everything that differs between places comes from the environment (env.py)."""

import logging
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from csp.constants import NONCE, NONE, SELF
from django.utils.translation import gettext_lazy as _

from hyperpod_site.env import environment
from hyperpod_site.logging import logging_config

BASE_DIR = Path(__file__).resolve().parent.parent
ENV = environment()

SECRET_KEY = ENV.secret_key
ENCRYPTION_KEYS = [key.strip() for key in ENV.encryption_keys.split(",") if key.strip()]
DEBUG = ENV.debug
PORTAL_ORIGIN = ENV.origin.rstrip("/")
ALLOWED_HOSTS = [host.strip() for host in ENV.allowed_hosts.split(",")]
ALLOWED_HOSTS.append(str(urlsplit(PORTAL_ORIGIN).hostname))
CSRF_TRUSTED_ORIGINS = [PORTAL_ORIGIN]

INSTALLED_APPS = [
    "apps.accounts.admin_config.PortalAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django_htmx",
    "template_partials",
    "crispy_forms",
    "crispy_bootstrap5",
    "django_filters",
    "django_structlog",
    "axes",
    "csp",
    "channels",
    "ninja",
    "apps.accounts",
    "apps.audit",
    "apps.live",
    "apps.operations",
    "apps.clusters",
    "apps.inference",
    "apps.training",
    "apps.pools",
    "hyperpod_site",
]

MIDDLEWARE = [
    "hyperpod_site.health.ProbeMiddleware",
    "hyperpod_site.metrics.MeasureMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "apps.accounts.sessions.SessionAgeMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "hyperpod_site.middleware.BodyLimitMiddleware",
    "hyperpod_site.middleware.NulMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_structlog.middlewares.RequestMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "apps.audit.middleware.AuditContextMiddleware",
    "hyperpod_site.middleware.ProblemMiddleware",
    "axes.middleware.AxesMiddleware",
    "hyperpod_site.middleware.OneThread",
]

ROOT_URLCONF = "hyperpod_site.urls"
ASGI_APPLICATION = "hyperpod_site.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "hyperpod_site.frame.frame",
            ],
        },
    },
]


def database(url: str, pool: int) -> dict[str, object]:
    """`postgres://user:password@host:port/name?host=/socket/folder` as Django's DATABASES entry."""
    parts = urlsplit(url)
    query = parse_qs(parts.query)
    options: dict[str, object] = {"pool": {"min_size": 1, "max_size": pool, "timeout": 4}} if pool else {}
    options["connect_timeout"] = 5
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": query.get("host", [parts.hostname or ""])[0],
        "PORT": str(parts.port or query.get("port", [""])[0]),
        "CONN_MAX_AGE": 0,
        "CONN_HEALTH_CHECKS": True,  # a pooled connection may be older than the last restart of Postgres
        "OPTIONS": options,
    }


DATABASES = {"default": database(ENV.database_url, ENV.database_pool)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = ENV.redis_url
REDIS_PREFIX = ENV.redis_prefix
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": REDIS_PREFIX,
        "OPTIONS": {"socket_connect_timeout": 2, "socket_timeout": 2},
    }
}
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [REDIS_URL], "prefix": f"{REDIS_PREFIX}:live"},
    }
}

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "accounts:login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "accounts:login"
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = 0.25
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_HTTP_RESPONSE_CODE = 429
AXES_LOCKOUT_CALLABLE = "apps.accounts.views.locked_out"
AXES_VERBOSE = False

SECURE = PORTAL_ORIGIN.startswith("https://")
SESSION_COOKIE_AGE = 12 * 3600  # from the login on, however busy (apps.accounts.sessions)
SESSION_IDLE_AGE = 4 * 3600
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if SECURE else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = SECURE
SECURE_SSL_REDIRECT = SECURE
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if SECURE else None
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CSRF_FAILURE_VIEW = "hyperpod_site.answers.csrf_failure"
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 500

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF, NONCE],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
    }
}

LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = "UTC"
USE_TZ = True

STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
TABLER = BASE_DIR / "node_modules" / "@tabler" / "core" / "dist"
STATICFILES_DIRS = [BASE_DIR / "static", *([("vendor/tabler", TABLER)] if TABLER.exists() else [])]
WHITENOISE_USE_FINDERS = True
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
CRISPY_ALLOWED_TEMPLATE_PACKS = CRISPY_TEMPLATE_PACK = "bootstrap5"

CELERY_BROKER_URL = REDIS_URL.replace("unix://", "redis+socket://")
PORTAL_DATA_DIR = Path(ENV.data_dir) if ENV.data_dir else BASE_DIR / ".run" / "data"
OPERATIONS_LEASE = ENV.operations_lease
PORTAL_DRAIN_SETTLE = ENV.drain_settle
PORTAL_KUBECONFIG = ENV.kubeconfig
PORTAL_AWS_ENDPOINT_URL = ENV.aws_endpoint_url
PORTAL_MLFLOW_TRACKING_URI = ENV.mlflow_tracking_uri
PORTAL_API_RATE = ENV.api_rate
PORTAL_MODEL_CALLS = ENV.model_calls
PORTAL_MODEL_CALLS_EACH = ENV.model_calls_each
PORTAL_METRICS_TOKEN = ENV.metrics_token
PORTAL_ALIVE_FILE = ENV.alive_file

DJANGO_STRUCTLOG_STATUS_START_LOG_LEVEL = logging.DEBUG  # one line a request is enough: how it ended
LOGGING_CONFIG = None
logging_config(level=ENV.log_level, json=ENV.log_json)
SILENCED_SYSTEM_CHECKS = (
    [] if SECURE else ["security.W004", "security.W008", "security.W012", "security.W016"]
)
