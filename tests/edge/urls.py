"""The site with a few more URLs, whose views raise what real ones may raise."""

from typing import Any, NoReturn

from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import PermissionDenied, SuspiciousOperation, ValidationError
from django.db import OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import path
from ninja import NinjaAPI, Schema
from redis.exceptions import ConnectionError as RedisAway

from apps.accounts.api_auth import authentication
from apps.gateways import errors
from hyperpod_site import urls
from hyperpod_site.answers import speak_for

handler400, handler403, handler404, handler500 = (
    urls.handler400,
    urls.handler403,
    urls.handler404,
    urls.handler500,
)


class Busy(Exception):
    """As operations raise it."""

    problem_status = 409
    problem_code = "busy"
    problem_link = "/operations/7/"


ERRORS: dict[str, Exception] = {
    "not-found": errors.NotFound("There is no pod chat-1."),
    "conflict": errors.Conflict("Somebody changed chat-1."),
    "invalid": errors.Invalid("Not accepted.", causes=[errors.FieldCause("spec.replicas", "must be >= 0")]),
    "too-large": errors.TooLarge("Larger than 3 MB."),
    "slow-down": errors.TooManyRequests("Slow down.", retry_after=7),
    "unreachable": errors.Unreachable("No connection to demo."),
    "timed-out": errors.TimedOut("No answer in 10 s.", maybe_done=True),
    "forbidden": errors.Forbidden("cannot patch pods"),
    "unauthorized": errors.Unauthorized("token expired"),
    "gone": errors.Gone("too old"),
    "server-error": errors.ServerError("etcd is sad"),
    "denied": PermissionDenied("Your role may not lend pods; operators and admins may."),
    "missing": Http404("secret reason"),
    "busy": Busy("bob is scaling chat."),
    "form": ValidationError({"replicas": ["At most 20."]}),
    "suspicious": SuspiciousOperation("secret reason"),
    "database": OperationalError("connection to 10.1.2.3 refused"),
    "redis": RedisAway("connection to 10.1.2.4 refused"),
    "bug": RuntimeError("password=hunter2"),
}


@login_not_required
def fail(request: HttpRequest, kind: str) -> HttpResponse:
    """Raises the error of that name."""
    raise ERRORS[kind]


@login_not_required
async def fail_async(request: HttpRequest, kind: str) -> HttpResponse:
    """The same, on the event loop."""
    raise ERRORS[kind]


@login_not_required
def echo(request: HttpRequest) -> HttpResponse:
    """How long the body is."""
    return HttpResponse(str(len(request.body)))


class Order(Schema):
    """A body with types."""

    replicas: int
    name: str


api = NinjaAPI(urls_namespace="probe", auth=authentication, docs_url=None, openapi_url=None)
speak_for(api)


@api.get("/fail/{kind}", auth=None)
def api_fail(request: HttpRequest, kind: str) -> NoReturn:
    """Raises inside ninja."""
    raise ERRORS[kind]


@api.post("/order", auth=None)
def order(request: HttpRequest, body: Order) -> dict[str, Any]:
    """Takes a typed body."""
    return {"replicas": body.replicas}


@api.get("/read")
def read(request: HttpRequest) -> dict[str, str]:
    """Who reads."""
    return {"who": request.user.get_username()}


@api.post("/write")
def write(request: HttpRequest) -> dict[str, str]:
    """Who writes."""
    return {"who": request.user.get_username()}


patterns, app_name, namespace = api.urls
for pattern in patterns:
    login_not_required(pattern.callback)

urlpatterns = [
    path("probe/fail/<str:kind>", fail),
    path("probe/fail-async/<str:kind>", fail_async),
    path("probe/echo", login_not_required(echo)),
    path("api/probe/fail-plain/<str:kind>", fail),
    path("api/probe/", (patterns, app_name, namespace)),
    *urls.urlpatterns,
]
