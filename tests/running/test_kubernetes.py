"""deploy/: valid by the published schemas, restricted, consistent, and taken by an API server."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from apps.gateways.connection import from_kubeconfig
from apps.gateways.kubernetes import Kubernetes
from hyperpod_site.env import Environment
from tests.processes import Devcluster

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
Manifest = dict[str, Any]
VERSIONS = ("1.28", "1.33")
PROCESSES = {"web", "worker-quick", "worker-long", "beat", "watcher", "migrate"}


def load() -> list[Manifest]:
    """What kustomization.yaml lists, in order."""
    listed = yaml.safe_load((DEPLOY / "kustomization.yaml").read_text())["resources"]
    texts = [(DEPLOY / name).read_text() for name in listed]
    return [manifest for text in texts for manifest in yaml.safe_load_all(text) if manifest]


MANIFESTS = load()
WORKLOADS = [each for each in MANIFESTS if each["kind"] in {"Deployment", "Job"}]
NAMED = {f"{each['kind']}/{each['metadata']['name']}": each for each in MANIFESTS}


def component(workload: Manifest) -> str:
    return str(workload["metadata"]["labels"]["app.kubernetes.io/component"])


def pod(workload: Manifest) -> Manifest:
    found: Manifest = workload["spec"]["template"]["spec"]
    return found


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", NAMED)
def test_every_manifest_is_valid(name: str, version: str) -> None:
    kubernetes_validate.validate(NAMED[name], version, strict=True)


def test_a_misspelt_field_would_be_found() -> None:
    wrong = {**WORKLOADS[0], "spec": {**WORKLOADS[0]["spec"], "templat": {}}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, VERSIONS[-1], strict=True)


def test_every_process_is_there_and_every_file_is_listed() -> None:
    assert {component(each) for each in WORKLOADS} == PROCESSES and len(WORKLOADS) == len(PROCESSES)
    listed = yaml.safe_load((DEPLOY / "kustomization.yaml").read_text())["resources"]
    assert {f"kubernetes/{path.name}" for path in DEPLOY.glob("kubernetes/*.yaml")} | {"rbac.yaml"} == set(
        listed
    )


@pytest.mark.parametrize("workload", WORKLOADS, ids=component)
def test_pods_keep_the_restricted_standard(workload: Manifest) -> None:
    spec, own = pod(workload), pod(workload)["containers"][0]["securityContext"]
    assert spec["securityContext"]["runAsNonRoot"] and spec["securityContext"]["runAsUser"] > 0
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert own == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert spec["automountServiceAccountToken"] is False, "clusters are reached by what the registry holds"
    assert all("emptyDir" in volume for volume in spec["volumes"])


@pytest.mark.parametrize("workload", WORKLOADS, ids=component)
def test_pods_say_whether_they_are_well_and_what_they_need(workload: Manifest) -> None:
    container = pod(workload)["containers"][0]
    assert container["resources"]["requests"].keys() == {"cpu", "memory"}
    assert container["resources"]["limits"] == {"memory": container["resources"]["requests"]["memory"]}
    assert ("livenessProbe" in container) == (component(workload) != "migrate")
    script = (DEPLOY / "run.sh").read_text()
    assert re.search(rf"(^|\s|\| ){container['args'][0]}\b.*\)", script, re.MULTILINE)


def test_the_web_process_stops_after_services_forgot_it() -> None:
    spec = pod(NAMED["Deployment/portal-web"])
    container = spec["containers"][0]
    waits = int(container["lifecycle"]["preStop"]["exec"]["command"][1])
    grace = int(re.search(r"PORTAL_GRACE:-(\d+)", (DEPLOY / "run.sh").read_text())[1])  # type: ignore[index]  # a missing one fails here
    assert waits + grace < spec["terminationGracePeriodSeconds"]
    assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"
    assert container["livenessProbe"]["httpGet"]["path"] == "/healthz"


def test_selectors_find_their_pods_and_references_their_objects() -> None:
    pods = [each["spec"]["template"]["metadata"]["labels"].items() for each in WORKLOADS]
    for each in MANIFESTS:
        if each["kind"] in {"PodDisruptionBudget", "NetworkPolicy", "Deployment"}:
            selector = each["spec"].get("selector") or each["spec"]["podSelector"]
            assert any(selector["matchLabels"].items() <= labels for labels in pods), each["metadata"]["name"]
    web = NAMED["Service/portal-web"]["spec"]["selector"].items()
    assert [component(each) for each in WORKLOADS if web <= dict(labels_of(each)).items()] == ["web"]
    for each in WORKLOADS:
        assert f"ServiceAccount/{pod(each)['serviceAccountName']}" in NAMED
        assert pod(each)["containers"][0]["envFrom"][0]["configMapRef"]["name"] == "hyperpod-portal"


def labels_of(workload: Manifest) -> Iterator[tuple[str, str]]:
    yield from workload["spec"]["template"]["metadata"]["labels"].items()


def test_the_config_map_holds_known_names_and_no_secret() -> None:
    data = NAMED["ConfigMap/hyperpod-portal"]["data"]
    known = {f"PORTAL_{name.upper()}" for name in Environment.model_fields} | {"FORWARDED_ALLOW_IPS"}
    assert data.keys() <= known
    assert not [name for name in data if re.search("SECRET|KEY|TOKEN|URL", name)]
    assert not [each for each in MANIFESTS if each["kind"] == "Secret"]


def test_the_portals_own_account_has_no_rights() -> None:
    bound = [
        subject["name"]
        for each in MANIFESTS
        if each["kind"].endswith("Binding")
        for subject in each["subjects"]
    ]
    assert bound == ["hyperpod-portal"] and "portal-process" not in bound


@pytest.mark.devcluster
def test_a_cluster_takes_all_of_it_twice(devcluster: Devcluster) -> None:
    admin = Kubernetes(from_kubeconfig(devcluster.admin_kubeconfig))
    served = [each for each in MANIFESTS if each["kind"] != "NetworkPolicy"]  # the devcluster has no networks
    first = [admin.apply(each, force=True) for each in served]
    second = [admin.apply(each) for each in served]
    assert len(served) == len(MANIFESTS) - 2
    versions = [[each["metadata"].get("generation", 1) for each in applied] for applied in (first, second)]
    assert versions[0] == versions[1], "the second time changes nothing"
    for each in WORKLOADS:
        kind = f"{each['kind'].lower()}s"
        admin.delete(kind, each["metadata"]["name"], namespace="hyperpod-portal")


def test_kustomize_builds_the_same_objects_with_one_image() -> None:
    if not shutil.which("kubectl"):
        pytest.skip("no kubectl on this machine; the manifests themselves are tested above")
    done = subprocess.run(["kubectl", "kustomize", str(DEPLOY)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    built = {f"{each['kind']}/{each['metadata']['name']}": each for each in yaml.safe_load_all(done.stdout)}
    assert built.keys() == NAMED.keys()
    images = {
        pod(built[f"{each['kind']}/{each['metadata']['name']}"])["containers"][0]["image"]
        for each in WORKLOADS
    }
    assert len(images) == 1 and not images.pop().endswith(":latest")
