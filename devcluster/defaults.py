"""What upstream fills in when an object is written: the defaults that controllers and clients rely on."""

from __future__ import annotations

import base64
import ipaddress
from collections.abc import Callable, Iterable
from typing import Any

from devcluster.resources import Resource

Json = dict[str, Any]

SERVICE_RANGE = ipaddress.ip_network("10.96.0.0/16")
NODE_PORTS = range(30000, 32768)


def apply_defaults(resource: Resource, obj: Json) -> Json:
    """A copy with defaults; parts that need none are shared with the argument."""
    rule = _RULES.get(resource.key)
    return rule(dict(obj)) if rule else obj


def _fill(target: Json | None, **values: Any) -> Json:
    """`values` under what `target` already says."""
    filled = dict(target or {})
    for name, value in values.items():
        filled.setdefault(name, value)
    return filled


def pod_spec(spec: Json) -> Json:
    """Defaults of a pod's spec, also inside templates."""
    spec = _fill(
        spec,
        restartPolicy="Always",
        terminationGracePeriodSeconds=30,
        dnsPolicy="ClusterFirst",
        securityContext={},
        schedulerName="default-scheduler",
    )
    for name in ("containers", "initContainers"):
        if name in spec:
            spec[name] = [_container(item) for item in spec[name]]
    if "volumes" in spec:
        spec["volumes"] = [_volume(item) for item in spec["volumes"]]
    return spec


def _container(container: Json) -> Json:
    image = container.get("image", "")
    tag = image.rsplit("/", 1)[-1].partition(":")[2]
    pinned = "@" in image or (tag and tag != "latest")
    container = _fill(
        container,
        resources={},
        terminationMessagePath="/dev/termination-log",
        terminationMessagePolicy="File",
        imagePullPolicy="IfNotPresent" if pinned else "Always",
    )
    if "ports" in container:
        container["ports"] = [_fill(port, protocol="TCP") for port in container["ports"]]
    for name in ("livenessProbe", "readinessProbe", "startupProbe"):
        if name in container:
            container[name] = _probe(container[name])
    container["resources"] = _requests(container["resources"])
    container.update(_environment(container))
    return container


def _environment(container: Json) -> Json:
    env = container.get("env")
    if not env or not any("fieldRef" in (item.get("valueFrom") or {}) for item in env):
        return {}
    return {"env": [_variable(item) for item in env]}


def _variable(item: Json) -> Json:
    source = item.get("valueFrom") or {}
    if "fieldRef" not in source:
        return item
    return {**item, "valueFrom": {**source, "fieldRef": _fill(source["fieldRef"], apiVersion="v1")}}


def _requests(resources: Json) -> Json:
    if not resources.get("limits"):
        return resources
    return {**resources, "requests": {**resources["limits"], **(resources.get("requests") or {})}}


def _probe(probe: Json) -> Json:
    probe = _fill(probe, timeoutSeconds=1, periodSeconds=10, successThreshold=1, failureThreshold=3)
    if "httpGet" in probe:
        probe["httpGet"] = _fill(probe["httpGet"], path="/", scheme="HTTP")
    return probe


def _volume(volume: Json) -> Json:
    for source in ("secret", "configMap", "projected", "downwardAPI"):
        if source in volume:
            return {**volume, source: _fill(volume[source], defaultMode=420)}
    if "hostPath" in volume:
        return {**volume, "hostPath": _fill(volume["hostPath"], type="")}
    return volume if len(volume) > 1 else {**volume, "emptyDir": {}}


def _template(spec: Json) -> Json:
    template = spec.get("template")
    if template is None:
        return spec
    return {**spec, "template": {**template, "spec": pod_spec(template.get("spec") or {})}}


def _pod(obj: Json) -> Json:
    spec = pod_spec(obj.get("spec") or {})
    account = spec.get("serviceAccountName") or spec.get("serviceAccount") or "default"
    spec = _fill(
        spec,
        serviceAccountName=account,
        serviceAccount=account,
        enableServiceLinks=True,
        priority=0,
        preemptionPolicy="PreemptLowerPriority",
    )
    spec["tolerations"] = _tolerations(spec.get("tolerations") or [])
    return {**obj, "spec": spec}


def _tolerations(given: list[Json]) -> list[Json]:
    """Five minutes' patience with a node that is not ready or cannot be reached."""
    added = []
    for key in ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"):
        if not any(
            item.get("key") in (key, None) and item.get("effect") in ("NoExecute", None) for item in given
        ):
            added.append({"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300})
    return [*given, *added]


def new_pod_status(spec: Json) -> Json:
    """The status of a pod that was just created."""
    return {"phase": "Pending", "qosClass": qos_class(spec)}


def qos_class(spec: Json) -> str:
    """Guaranteed, Burstable or BestEffort, by cpu and memory of the containers."""
    containers = [*spec.get("containers", ()), *spec.get("initContainers", ())]
    asked = [
        part
        for item in containers
        for part in (item.get("resources") or {}).values()
        if isinstance(part, dict)
    ]
    if not any(name in part for part in asked for name in ("cpu", "memory")):
        return "BestEffort"
    guaranteed = all(
        {"cpu", "memory"} <= (item["resources"].get("limits") or {}).keys()
        and all(
            item["resources"]["requests"].get(name) == item["resources"]["limits"][name]
            for name in ("cpu", "memory")
        )
        for item in containers
    )
    return "Guaranteed" if guaranteed else "Burstable"


def _deployment(obj: Json) -> Json:
    spec = _fill(
        _template(obj.get("spec") or {}), replicas=1, revisionHistoryLimit=10, progressDeadlineSeconds=600
    )
    strategy = _fill(spec.get("strategy"), type="RollingUpdate")
    if strategy["type"] == "RollingUpdate":
        strategy["rollingUpdate"] = _fill(strategy.get("rollingUpdate"), maxUnavailable="25%", maxSurge="25%")
    return _fill({**obj, "spec": {**spec, "strategy": strategy}}, status={})


def _replicaset(obj: Json) -> Json:
    return _fill({**obj, "spec": _fill(_template(obj.get("spec") or {}), replicas=1)}, status={"replicas": 0})


def _statefulset(obj: Json) -> Json:
    spec = _fill(
        _template(obj.get("spec") or {}),
        replicas=1,
        podManagementPolicy="OrderedReady",
        updateStrategy={"type": "RollingUpdate", "rollingUpdate": {"partition": 0}},
        revisionHistoryLimit=10,
        persistentVolumeClaimRetentionPolicy={"whenDeleted": "Retain", "whenScaled": "Retain"},
    )
    return _fill({**obj, "spec": spec}, status={"replicas": 0, "availableReplicas": 0})


def _daemonset(obj: Json) -> Json:
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1, "maxSurge": 0}}
    spec = _fill(_template(obj.get("spec") or {}), updateStrategy=strategy, revisionHistoryLimit=10)
    counts = ("currentNumberScheduled", "numberMisscheduled", "desiredNumberScheduled", "numberReady")
    return _fill({**obj, "spec": spec}, status=dict.fromkeys(counts, 0))


def job_spec(spec: Json) -> Json:
    """Defaults of a Job's spec."""
    spec = _template(spec)
    if "completions" not in spec and "parallelism" not in spec:
        spec = {**spec, "completions": 1, "parallelism": 1}
    return _fill(spec, parallelism=1, backoffLimit=6, completionMode="NonIndexed", suspend=False)


def _job(obj: Json) -> Json:
    spec = _fill(job_spec(obj.get("spec") or {}), podReplacementPolicy="TerminatingOrFailed")
    return _fill({**obj, "spec": spec}, status={})


def job_identity(obj: Json) -> Json:
    """A new Job selects its pods by its own uid, unless told otherwise; needs metadata.uid."""
    spec = obj["spec"]
    if spec.get("manualSelector") or spec.get("selector"):
        return obj
    uid, name = obj["metadata"]["uid"], obj["metadata"]["name"]
    prefix = "batch.kubernetes.io/"
    labels = {
        f"{prefix}controller-uid": uid,
        f"{prefix}job-name": name,
        "controller-uid": uid,
        "job-name": name,
    }
    template = spec["template"]
    metadata = template.get("metadata") or {}
    metadata = {**metadata, "labels": {**(metadata.get("labels") or {}), **labels}}
    selector = {"matchLabels": {f"{prefix}controller-uid": uid}}
    return {**obj, "spec": {**spec, "selector": selector, "template": {**template, "metadata": metadata}}}


def _cronjob(obj: Json) -> Json:
    spec = _fill(
        obj.get("spec"),
        concurrencyPolicy="Allow",
        suspend=False,
        successfulJobsHistoryLimit=3,
        failedJobsHistoryLimit=1,
    )
    return _fill({**obj, "spec": spec}, status={})


def _service(obj: Json) -> Json:
    spec = _fill(obj.get("spec"), type="ClusterIP", sessionAffinity="None")
    if "ports" in spec:
        spec["ports"] = [_service_port(port) for port in spec["ports"]]
    if spec["type"] != "ExternalName":
        spec = _fill(spec, internalTrafficPolicy="Cluster")
    if spec["type"] in ("NodePort", "LoadBalancer"):
        spec = _fill(spec, externalTrafficPolicy="Cluster")
    if spec["type"] == "LoadBalancer":
        spec = _fill(spec, allocateLoadBalancerNodePorts=True)
    return _fill({**obj, "spec": spec}, status={"loadBalancer": {}})


def _service_port(port: Json) -> Json:
    port = _fill(port, protocol="TCP")
    return _fill(port, targetPort=port["port"]) if "port" in port else port


def allocate_service(obj: Json, services: Iterable[Json]) -> Json:
    """Cluster address and node ports for a Service that asks for them; deterministic: the lowest free one."""
    spec = dict(obj["spec"])
    if spec["type"] == "ExternalName":
        return obj
    if not spec.get("clusterIP"):
        spec["clusterIP"] = _free_address({item["spec"].get("clusterIP") for item in services})
    spec = _fill(spec, clusterIPs=[spec["clusterIP"]], ipFamilies=["IPv4"], ipFamilyPolicy="SingleStack")
    if spec["type"] in ("NodePort", "LoadBalancer"):
        used = {port.get("nodePort") for item in services for port in item["spec"].get("ports", ())}
        free = (number for number in NODE_PORTS if number not in used)
        spec["ports"] = [
            port if port.get("nodePort") else {**port, "nodePort": next(free)} for port in spec["ports"]
        ]
    return {**obj, "spec": spec}


def _free_address(used: set[str | None]) -> str:
    for number in range(10, SERVICE_RANGE.num_addresses - 1):
        address = str(SERVICE_RANGE[number])
        if address not in used:
            return address
    raise RuntimeError("no free service address is left")


def _namespace(obj: Json) -> Json:
    metadata = obj["metadata"]
    labels = {**(metadata.get("labels") or {}), "kubernetes.io/metadata.name": metadata["name"]}
    spec = _fill(obj.get("spec"), finalizers=["kubernetes"])
    return _fill(
        {**obj, "metadata": {**metadata, "labels": labels}, "spec": spec}, status={"phase": "Active"}
    )


def _secret(obj: Json) -> Json:
    plain = obj.pop("stringData", None) or {}
    encoded = {name: base64.b64encode(value.encode()).decode() for name, value in plain.items()}
    if encoded:
        obj["data"] = {**(obj.get("data") or {}), **encoded}
    return _fill(obj, type="Opaque")


def _disruption_budget(obj: Json) -> Json:
    counts = ("disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods")
    return _fill(obj, status=dict.fromkeys(counts, 0))


def _claim(obj: Json) -> Json:
    return _fill(
        {**obj, "spec": _fill(obj.get("spec"), volumeMode="Filesystem")}, status={"phase": "Pending"}
    )


def _volume_object(obj: Json) -> Json:
    spec = _fill(obj.get("spec"), volumeMode="Filesystem", persistentVolumeReclaimPolicy="Retain")
    return _fill({**obj, "spec": spec}, status={"phase": "Available"})


def _quota(obj: Json) -> Json:
    return _fill(obj, status={})


def _autoscaler(obj: Json) -> Json:
    return _fill({**obj, "spec": _fill(obj.get("spec"), minReplicas=1)}, status={"desiredReplicas": 0})


def _priority_class(obj: Json) -> Json:
    return _fill(obj, preemptionPolicy="PreemptLowerPriority")


def _binding(obj: Json) -> Json:
    obj["roleRef"] = _fill(obj.get("roleRef"), apiGroup="rbac.authorization.k8s.io")
    if "subjects" in obj:
        obj["subjects"] = [_subject(item) for item in obj["subjects"]]
    return obj


def _subject(subject: Json) -> Json:
    if subject.get("kind") == "ServiceAccount":
        return subject
    return _fill(subject, apiGroup="rbac.authorization.k8s.io")


_RULES: dict[str, Callable[[Json], Json]] = {
    "pods": _pod,
    "deployments.apps": _deployment,
    "replicasets.apps": _replicaset,
    "statefulsets.apps": _statefulset,
    "daemonsets.apps": _daemonset,
    "jobs.batch": _job,
    "cronjobs.batch": _cronjob,
    "services": _service,
    "namespaces": _namespace,
    "secrets": _secret,
    "poddisruptionbudgets.policy": _disruption_budget,
    "persistentvolumeclaims": _claim,
    "persistentvolumes": _volume_object,
    "resourcequotas": _quota,
    "horizontalpodautoscalers.autoscaling": _autoscaler,
    "priorityclasses.scheduling.k8s.io": _priority_class,
    "rolebindings.rbac.authorization.k8s.io": _binding,
    "clusterrolebindings.rbac.authorization.k8s.io": _binding,
}
