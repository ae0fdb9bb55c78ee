"""The API as its own description says it: every operation, its arguments, and wrong values for each field."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.urls import resolve

from hyperpod_site.api import api
from tests.access_table import ROWS
from tests.bad_input.hostile import OF_TYPE

PATH = {
    "cluster": "demo", "namespace": "default", "name": "chat",
    "pod": "pool-1", "service": "pool-production", "pk": "1", "path": "v1/models",
}  # fmt: skip
POOL_PATH = {**PATH, "name": "pool"}


@dataclass(frozen=True)
class Operation:
    """One method of one path."""

    method: str
    path: str
    body: dict[str, Any] | None
    inputs: tuple[tuple[str, str, str], ...]

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    def url(self, **parts: str) -> str:
        """The address on the world of tests/access_table.py; `parts` replaces arguments, percent-quoted."""
        known = POOL_PATH if "pool" in self.path else PATH
        return self.path.format(**{**known, **parts})

    def takes(self, where: str) -> bool:
        """Whether it has an argument in `where`: path, query or header."""
        return any(place == where for place, _name, _kind in self.inputs)

    def valid(self) -> Any:
        """A body that fits, as tests/access_table.py has it."""
        return VALID[str(self)]


@cache
def description() -> dict[str, Any]:
    """The API's own description, as it is sent; to make it takes a fifth of a second."""
    found: dict[str, Any] = json.loads(json.dumps(api.get_openapi_schema(), cls=DjangoJSONEncoder))
    return found


def operations() -> list[Operation]:
    """All operations of the API."""
    described = description()
    return [
        Operation(method.upper(), path, body_of(described, said), inputs_of(said))
        for path, methods in described["paths"].items()
        for method, said in methods.items()
    ]


def inputs_of(said: dict[str, Any]) -> tuple[tuple[str, str, str], ...]:
    """(where, name, type) of path, query and header values."""
    found = said.get("parameters", [])
    return tuple((item["in"], item["name"], item["schema"].get("type", "string")) for item in found)


def body_of(described: dict[str, Any], said: dict[str, Any]) -> dict[str, Any] | None:
    """The schema of the body, None where there is none."""
    content = said.get("requestBody", {}).get("content", {})
    if "application/json" not in content:
        return None
    schema = content["application/json"]["schema"]
    for option in (schema, *schema.get("anyOf", []), *schema.get("allOf", [])):
        if "$ref" in option:
            return dict(described["components"]["schemas"][option["$ref"].rsplit("/", 1)[1]])
    raise AssertionError(f"a body that this test cannot read: {schema}")


def wrong_fields(operation: Operation) -> Iterator[tuple[str, Any]]:
    """(field, value of a type that the field does not take) for every field of the body."""
    assert operation.body is not None
    for name, schema in operation.body["properties"].items():
        taken = types_of(schema)
        for kind, values in OF_TYPE.items():
            if taken and kind not in taken:
                yield from ((name, value) for value in values)


def types_of(schema: dict[str, Any]) -> set[str]:
    """The JSON types that a field takes; empty when it takes all. A whole number is a number too."""
    options = schema.get("anyOf", [schema])
    taken = {option["type"] for option in options if "type" in option}
    return taken | {"integer"} if "number" in taken else taken


def text_fields(operation: Operation) -> list[str]:
    """The body's fields that take text."""
    assert operation.body is not None
    return [name for name, schema in operation.body["properties"].items() if "string" in types_of(schema)]


COMMAND = "vllm serve Qwen/Qwen3-0.6B"
CALL = {"service": "chat", "path": "/v1/models", "method": "GET"}
VALID: dict[str, Any] = {
    "POST /api/operations/{pk}/cancel": {"reason": "no"},
    "POST /api/c/{cluster}/deployments": {"command": COMMAND},
    "PUT /api/c/{cluster}/deployments/{namespace}/{name}/replicas": {"replicas": 2},
    "POST /api/c/{cluster}/deployments/{namespace}/{name}/undeploy": {"part": "all"},
    "POST /api/c/{cluster}/proxy-request": CALL,
    "POST /api/deploy": {"deploymentType": "vllm", "vllmCommand": COMMAND},
    "POST /api/scale-deployment": {"deploymentName": "chat", "targetReplicas": 2},
    "POST /api/undeploy": {"modelTag": "chat"},
    "POST /api/proxy-request": CALL,
    "POST /api/c/{cluster}/pools/{namespace}/{name}/pods/{pod}/business": {"business": "production"},
    "POST /api/c/{cluster}/pools/{namespace}/{name}/rollout": {"image": "vllm/vllm-openai:v1"},
    "PUT /api/c/{cluster}/pools/{namespace}/{name}/shares": {"shares": [], "dwell": 120, "patience": 60},
    "POST /api/c/{cluster}/pools/{namespace}/{name}/shares/switch": {"enabled": False},
    "POST /api/c/{cluster}/pools/{namespace}/{name}/shares/end-exception": {"pod": "pool-1"},
    "POST /api/c/{cluster}/pools/{namespace}/{name}/shares/clear-aside": {"pod": "pool-1"},
    "POST /api/c/{cluster}/pools/{namespace}/{name}/moves": {
        "pods": [{"name": "pool-1"}],
        "business": "production",
    },
    "POST /api/c/{cluster}/pools/{namespace}/{name}/services": {"name": "pool-a", "business": "a"},
    "POST /api/c/{cluster}/pools/{namespace}/{name}/distribute": {"ratios": {"unassigned": 1}},
    "POST /api/distribute-pods": {"deploymentName": "pool", "ratios": {"unassigned": 1}},
    "POST /api/c/{cluster}/pools/{namespace}/{name}/undo": {"change": "x"},
    "POST /api/assign-pod": {"podName": "pool-1", "businessTag": "production", "modelName": "pool"},
    "POST /api/scale-pool-deployment": {"deploymentName": "pool", "targetReplicas": 1},
    "POST /api/deploy-service": {"serviceName": "pool-a", "businessTag": "a", "modelPool": "pool"},
}


def known_callables() -> set[str]:
    """The addresses of the API that tests/access_table.py has a row for."""
    return {name for name in ROWS if name.startswith("api:") and "openapi" not in name}


def view_of(url: str) -> str:
    """The name of an address; where two operations share it, ninja knows it by either of their names."""
    return resolve(url).view_name
