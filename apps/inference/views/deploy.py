"""Deploy & test: the form that deploys a model, other apps' tabs beside it, the model test, the App Status.

The page has three parts that change alone, so that none loses what somebody typed into another.
"""

import json
import uuid
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST

from apps.accounts import permissions, policy
from apps.accounts.requests import UserRequest
from apps.clusters import selectors as clusters
from apps.clusters.models import Cluster
from apps.inference import actions, app_status, tabs
from apps.inference.forms import DeployForm
from apps.inference.permissions import CALL, CHANGE, VIEW
from apps.inference.selectors import history
from apps.inference.testing import LANGUAGES, PRESETS
from apps.operations.models import Operation

MODEL = "model"
EXAMPLES = {
    "vllm": "vllm serve Qwen/Qwen3-0.6B --max-num-seqs 32 --max-model-len 1280 --tensor-parallel-size 1",
    "sglang": "python3 -m sglang.launch_server --model-path Qwen/Qwen3-0.6B --tp-size 1 --trust-remote-code",
}
PARTS = {"configuration": "#configuration", "app-status": "#status"}


@require_http_methods(["GET", "HEAD", "POST"])
def deploy(request: UserRequest, cluster: str) -> HttpResponse:
    """Show the page, or deploy what its form says: htmx stays here, everybody else goes to the operation."""
    row = clusters.cluster(request.user, cluster)
    if request.method != "POST":
        policy.require(request.user, VIEW, cluster=row.slug)
        return page(request, row)
    actions.deploy_model.permit(by=request.user, cluster=row)
    form = DeployForm(request.POST, cluster=row)
    operation = begun(request, row, form) if form.is_valid() else None
    if operation is None:
        return page(request, row, form, status=422)
    if request.headers.get("HX-Request") != "true":
        return redirect("operations:detail", operation.pk)
    return page(request, row, started=operation)


def begun(request: UserRequest, cluster: Cluster, form: DeployForm) -> Operation | None:
    """The operation of a valid form; None with an error beside its field when the name is taken."""
    try:
        return actions.deploy_model(
            by=request.user,
            cluster=cluster,
            wish=form.wish,
            token=form.cleaned_data["token"],
            key=form.cleaned_data["key"],
        )
    except actions.NameTaken as error:
        form.add_error(error.field, str(error))
        return None


def beginning(request: UserRequest, cluster: Cluster) -> dict[str, Any]:
    """What the form begins with: a fresh request key, and with `?record=` what was deployed then."""
    key = {"key": uuid.uuid4().hex}
    pk = request.GET.get("record", "")
    if not (pk.isascii() and pk.isdigit() and len(pk) < 18):
        return key
    return key | history.wishes(history.record(cluster, int(pk)))


@require_POST
def preview(request: UserRequest, cluster: str) -> HttpResponse:
    """What the command says: engine, model, port, GPUs; or why it cannot be read. Answers 200 either way."""
    row = clusters.cluster(request.user, cluster)
    policy.require(request.user, VIEW, cluster=row.slug)
    form = DeployForm(request.POST, cluster=row)
    form.is_valid()
    return render(request, "inference/deploy.html#preview", {"cluster": row, "form": form})


def page(
    request: UserRequest,
    cluster: Cluster,
    form: DeployForm | None = None,
    *,
    started: Operation | None = None,
    status: int = 200,
) -> HttpResponse:
    """The page, or for htmx the part that it asked for; `form` is one that came back with errors."""
    part = PARTS.get(request.headers.get("HX-Target", ""), "")
    shown = asked(request)
    context = {"cluster": cluster, "started": started, **shown}
    if part != PARTS["app-status"]:
        context |= configuration(request, cluster, shown["tab"], form)
    if not part:
        context |= test_card(request, cluster)
    response = render(request, f"inference/deploy.html{part}", context, status=status)
    patch_vary_headers(response, ["HX-Request", "HX-Target"])
    if part:
        response["HX-Replace-Url"] = f"{request.path}?{urlencode(shown)}"
    return response


def asked(request: UserRequest) -> dict[str, str]:
    """The open tab and the open list: htmx asks for one of them, the other is what the page shows now."""
    current = dict(parse_qsl(urlsplit(request.headers.get("HX-Current-URL", "")).query))
    wanted = {**current, **request.GET.dict()}
    tab, show = wanted.get("tab", ""), wanted.get("show", "")
    return {
        "tab": tab if tabs.tab_named(tab) and request.method != "POST" else MODEL,
        "show": show if show in app_status.TITLES else "pods",
    }


def configuration(
    request: UserRequest, cluster: Cluster, tab: str, form: DeployForm | None
) -> dict[str, Any]:
    """The left card: the form, or another app's tab."""
    added = tabs.tab_named(tab)
    common = {
        "tabs": [(MODEL, _("Model Configuration")), *((tab.name, tab.title) for tab in tabs.registered())]
    }
    if added:
        return common | added.context(request, cluster) | {"template": added.template}
    return common | {
        "form": form or DeployForm(cluster=cluster, initial=beginning(request, cluster)),
        "may_change": policy.may(request.user, CHANGE, cluster=cluster.slug),
        "refusal": permissions.get(CHANGE).refusal(),
        "examples": [("vllm", "vLLM", EXAMPLES["vllm"]), ("sglang", "SGLang", EXAMPLES["sglang"])],
        "template": "inference/deploy.html#model",
    }


def test_card(request: UserRequest, cluster: Cluster) -> dict[str, Any]:
    """The right card: what to begin with, and where the browser sends it."""
    place = {"cluster": cluster.slug, "namespace": "-", "service": "-", "path": "-"}
    return {
        "presets": PRESETS,
        "presets_json": json.dumps([preset.described() for preset in PRESETS]),
        "languages": LANGUAGES,
        "proxy": reverse("api:service_proxy", kwargs=place).removesuffix("-/-/proxy/-"),
        "may_call": policy.may(request.user, CALL, cluster=cluster.slug),
        "call_refusal": permissions.get(CALL).refusal(),
    }
