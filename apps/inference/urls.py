"""Addresses under `/c/<cluster>/`."""

from django.urls import path

from apps.inference import proxy
from apps.inference.views import (
    deploy,
    deployment,
    deployment_parts,
    lists,
    pod,
    pod_log,
    records,
    service,
    testing,
)

app_name = "inference"
urlpatterns = [
    path("deploy/", deploy.deploy, name="deploy"),
    path("deploy/preview/", deploy.preview, name="deploy_preview"),
    path("deploy/test/check/", testing.check, name="test_check"),
    path("deploy/test/code/", testing.code, name="test_code"),
    path("deployments/", lists.deployment_list, name="deployment_list"),
    path("deployments/<str:namespace>/<str:name>/", deployment.deployment_detail, name="deployment_detail"),
    path("deployments/<str:namespace>/<str:name>/scale/", deployment.scale, name="scale"),
    path("deployments/<str:namespace>/<str:name>/restart/", deployment.restart, name="restart"),
    path("deployments/<str:namespace>/<str:name>/undeploy/", deployment.undeploy, name="undeploy"),
    path("deployments/<str:namespace>/<str:name>/remove/", deployment_parts.remove, name="deployment_remove"),
    path("deployments/<str:namespace>/<str:name>/yaml/", deployment_parts.manifest, name="deployment_yaml"),
    path("records/", records.record_list, name="record_list"),
    path("records/<int:pk>/", records.record_detail, name="record_detail"),
    path("pods/", lists.pod_list, name="pod_list"),
    path("pods/<str:namespace>/<str:name>/", pod.detail, name="pod_detail"),
    path("pods/<str:namespace>/<str:name>/parts/", pod.from_the_cluster, name="pod_from_cluster"),
    path("pods/<str:namespace>/<str:name>/log/", pod_log.log_file, name="pod_log"),
    path("pods/<str:namespace>/<str:name>/delete/", pod.delete, name="pod_delete"),
    path("services/", lists.service_list, name="service_list"),
    path("services/<str:namespace>/<str:name>/", service.detail, name="service_detail"),
    path("services/<str:namespace>/<str:name>/delete/", service.delete, name="service_delete"),
    path(
        "services/<str:namespace>/<str:service>/proxy/<path:path>", proxy.service_proxy, name="service_proxy"
    ),
]
