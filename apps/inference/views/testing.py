"""Model testing: what is wrong with a typed request, and the same request as a program. Nothing is called
here: the page itself asks the model, through the API's streaming address.
"""

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST

from apps.accounts import policy
from apps.accounts.requests import UserRequest
from apps.clusters import selectors as clusters
from apps.clusters.models import Cluster
from apps.inference.permissions import VIEW
from apps.inference.testing import LANGUAGES, CallForm, snippet

CHECKED = ("path", "payload")


@require_POST
def check(request: UserRequest, cluster: str) -> HttpResponse:
    """What is wrong with `field` ("path" or "payload"), empty for nothing. Answers 200 either way."""
    seen(request, cluster)
    field = request.POST.get("field", "")
    words = CallForm(request.POST).problem(field) if field in CHECKED else ""
    return render(request, "inference/test_card.html#problem", {"words": words})


@require_POST
def code(request: UserRequest, cluster: str) -> HttpResponse:
    """The request as a program in `language`; 422 with words where the request is none yet."""
    row = seen(request, cluster)
    form = CallForm(request.POST)
    if not form.is_valid():
        words = next(iter(form.errors.values()))[0]
        return render(request, "inference/test_card.html#problem", {"words": words}, status=422)
    language = request.POST.get("language", "")
    text = snippet(language, called_url(request, row, form), form.cleaned_data["payload"])
    return render(request, "inference/test_card.html#code", {"text": text, "languages": LANGUAGES})


def seen(request: UserRequest, cluster: str) -> Cluster:
    """The cluster, for people who may see its services."""
    row = clusters.cluster(request.user, cluster)
    policy.require(request.user, VIEW, cluster=row.slug)
    return row


def called_url(request: UserRequest, cluster: Cluster, form: CallForm) -> str:
    """The portal's own address of the call. The path is quoted already: `reverse` would quote it twice."""
    namespace, service = form.cleaned_data["service"]
    path, query = form.cleaned_data["path"]
    place = {"cluster": cluster.slug, "namespace": namespace, "service": service, "path": "-"}
    base = request.build_absolute_uri(reverse("api:service_proxy", kwargs=place)).removesuffix("-")
    return f"{base}{path}?{query}" if query else f"{base}{path}"
