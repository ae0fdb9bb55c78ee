"""What a deployment's removal takes along, and its manifest as the cluster has it."""

from django.http import HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from apps.accounts import policy
from apps.accounts.requests import UserRequest
from apps.clusters import selectors as clusters
from apps.gateways.errors import GatewayError
from apps.inference import guards
from apps.inference.forms import UndeployForm
from apps.inference.permissions import CHANGE, VIEW
from apps.inference.selectors import deployments, from_cluster
from apps.inference.shapes import as_yaml
from apps.inference.statuses import Kind
from apps.inference.views.panels import panel


@require_safe
def remove(request: UserRequest, cluster: str, namespace: str, name: str) -> HttpResponse:
    """Ask whether to remove the deployment, listing what goes."""
    return question(request, cluster, namespace, name, UndeployForm())


def question(
    request: UserRequest, cluster: str, namespace: str, name: str, form: UndeployForm, *, status: int = 200
) -> HttpResponse:
    """What goes, whom it concerns, and the button."""
    row = clusters.cluster(request.user, cluster)
    policy.require(request.user, VIEW, cluster=row.slug)
    target = deployments.target(request.user, cluster, namespace, name)
    is_pool = target.kind is Kind.POOL
    context = {
        "cluster": row,
        "target": target,
        "is_pool": is_pool,
        "goes": deployments.what_goes(row, target),
        "may_change": policy.may(request.user, CHANGE, cluster=row.slug),
        "possible": target.kind is Kind.STANDARD or (is_pool and guards.handled("undeploy")),
        "form": form,
    }
    return panel(request, "inference/deployment_remove.html", context, status=status)


@require_safe
@never_cache
def manifest(request: UserRequest, cluster: str, namespace: str, name: str) -> HttpResponse:
    """The Deployment as the cluster has it now, without managedFields and secrets; or why it is not shown."""
    row = clusters.cluster(request.user, cluster)
    policy.require(request.user, VIEW, cluster=row.slug)
    target = deployments.target(request.user, cluster, namespace, name)
    context = {"cluster": row, "target": target, "text": "", "problem": ""}
    try:
        context["text"] = as_yaml([from_cluster.shown(from_cluster.deployment(row.pk, namespace, name))])
    except GatewayError as error:
        context["problem"] = error.message
    return panel(request, "inference/deployment_yaml.html", context)
