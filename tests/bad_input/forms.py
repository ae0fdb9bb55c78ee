"""Every form of the pages: where it goes, what fits, and what is refused beside which field."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from apps.gateways import labels

COMMAND = "vllm serve Qwen/Qwen3-0.6B"
Wrong = tuple[str, str, str]


@dataclass(frozen=True)
class Form:
    """The POST of one URL. `wrong`: (field, value, words that the refusal must hold)."""

    data: Mapping[str, str] = field(default_factory=dict)
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    wrong: tuple[Wrong, ...] = ()
    own: bool = False
    """It asks no form class, so that hostile text in any field must simply do no harm."""
    admin: bool = False
    """Only an admin may, so that an operator is refused whatever the fields hold."""


DEMO = {"cluster": "demo"}
CHAT = {**DEMO, "namespace": "default", "name": "chat"}
POOL = {**DEMO, "namespace": "default", "name": "pool"}
NUMBER_NEEDED = "Enter a whole number"
NAMES: tuple[tuple[str, str], ...] = (
    ("Upper", "lower-case letters"),
    ("1pool", "begin"),
    ("a_b", "lower-case letters"),
    ("-a", "lower-case letters"),
    ("a" * 64, "63"),
    ("../x", "lower-case letters"),
    ("<script>", "lower-case letters"),
    ("{{7*7}}", "lower-case letters"),
    ("", "required"),
)
TAGS: tuple[tuple[str, str], ...] = (
    *((word, "reserved word") for word in sorted(labels.RESERVED)),
    ("Draining", "reserved word"),
    ("t" * 64, "63"),
    ("a/b", "letters, digits"),
    ("-a", "letters, digits"),
    ("a b", "letters, digits"),
    ("<script>alert(1)</script>", "letters, digits"),
    ("", "required"),
)
COMMANDS: tuple[tuple[str, str], ...] = (
    ("", "required"),
    ("vllm serve 'Qwen", "never closed"),
    ("vllm serve", "names no model"),
    ("vllm serve a/b; rm -rf /", "needs a shell"),
    ("vllm serve $(id)", "needs a shell"),
    ("vllm serve a/b -tp 64", "GPUs; the largest has 8"),
    ("vllm serve a/b -tp many", "tensor"),
    ("vllm serve a/b --port 99999999", "port"),
    ("vllm serve a\0b", "Null characters"),
    ("x" * 16_001, "16000"),
)
REPLICAS: tuple[tuple[str, str], ...] = (
    ("-1", "greater than or equal to"),
    ("21", "less than or equal to 20"),
    ("9" * 30, "less than or equal to 20"),
    ("9" * 5_000, NUMBER_NEEDED),
    ("four", NUMBER_NEEDED),
    ("1.5", NUMBER_NEEDED),
    ("NaN", NUMBER_NEEDED),
    ("", "required"),
)


def beside(name: str, values: tuple[tuple[str, str], ...]) -> tuple[Wrong, ...]:
    """The values as cases of one field."""
    return tuple((name, value, words) for value, words in values)


DEPLOY = {"command": COMMAND, "replicas": "1", "namespace": "default", "access": "none", "key": "k1"}
FORMS: dict[str, Form] = {
    "accounts:login": Form({"username": "alice", "password": "wrong"}, own=True),
    "accounts:logout": Form(own=True),
    "accounts:password": Form(
        {"old_password": "x", "new_password1": "y", "new_password2": "y"},
        wrong=(
            ("old_password", "wrong", "old password was entered incorrectly"),
            ("new_password2", "other", "match"),
        ),
    ),
    "accounts:make_token": Form(
        {"name": "nightly", "days": "7"},
        wrong=(
            ("name", "", "required"),
            ("name", "n" * 81, "80"),
            ("days", "-7", "valid choice"),
            ("days", "9" * 30, "valid choice"),
            ("days", "week", "valid choice"),
        ),
    ),
    "accounts:revoke_token": Form(kwargs={"pk": 1}, own=True),
    "inference:deploy": Form(
        DEPLOY,
        DEMO,
        wrong=(
            *beside("command", COMMANDS),
            *beside("replicas", REPLICAS),
            *beside("name", tuple(case for case in NAMES if len(case[0]) in range(1, 63))),
            ("name", "a" * 46, "45"),
            *beside("namespace", tuple(case for case in NAMES if case[0] not in ("", "1pool"))),
            ("gpus", "9", "the largest has 8"),
            ("gpus", "-1", "greater than or equal to"),
            ("gpus", "all", NUMBER_NEEDED),
            ("image", "$(id)", "no image"),
            ("image", "<script>alert(1)</script>", "no image"),
            ("access", "everybody", "valid choice"),
            ("engine", "tgi", "valid choice"),
            ("memory", "9" * 30, "less than or equal to"),
            ("token", "two words", "no spaces"),
        ),
    ),
    "inference:deploy_preview": Form(DEPLOY, DEMO, own=True),
    "inference:test_check": Form({"field": "path", "path": "/v1/models"}, DEMO, own=True),
    "inference:test_code": Form(
        {"service": "default/chat", "method": "GET", "path": "/v1/models", "language": "python"},
        DEMO,
        own=True,
    ),
    "inference:scale": Form({"replicas": "2"}, CHAT, wrong=beside("replicas", REPLICAS)),
    "inference:restart": Form(kwargs=CHAT, own=True),
    "inference:undeploy": Form(
        {"part": "all", "confirm": "chat"},
        CHAT,
        wrong=(("part", "everything", "valid choice"), ("confirm", "c" * 64, "63")),
    ),
    "inference:pod_delete": Form({"reason": "no"}, {**CHAT, "name": "chat-1"}, own=True),
    "inference:service_delete": Form({"reason": "no"}, CHAT, own=True),
    "operations:cancel": Form({"reason": "no"}, own=True),
    "operations:retry": Form({"key": "k"}, own=True),
    "pools:move": Form(
        {"pod": "pool-1", "business": "production", "how": "now"},
        POOL,
        wrong=(
            ("pod", "", "required"),
            ("pod", "p" * 254, "253"),
            ("business", "", "required"),
            ("business", "b" * 64, "63"),
            ("origin", "b" * 64, "63"),
            ("how", "quickly", "valid choice"),
            ("timeout", "-1", "greater than or equal to 5"),
            ("timeout", "9" * 30, "less than or equal to 3600"),
            ("timeout", "soon", NUMBER_NEEDED),
            ("reason", "r" * 501, "500"),
            ("share", "mine", "valid choice"),
            ("minutes", "0", "greater than or equal to 1"),
            ("minutes", "1441", "less than or equal to 1440"),
        ),
    ),
    "pools:board_move": Form(
        {"pod": "pool-1", "origin": "unassigned", "business": "production", "how": "now"},
        POOL,
        wrong=(
            ("pod", "p" * 254, "not a pod"),
            ("business", "", "required"),
            ("business", "b" * 64, "63"),
            ("how", "quickly", "valid choice"),
            ("timeout", "0", "greater than or equal to 5"),
            ("timeout", "9" * 30, "less than or equal to 3600"),
            ("timeout", "soon", NUMBER_NEEDED),
            ("reason", "r" * 501, "500"),
        ),
    ),
    "pools:scale": Form(
        {"replicas": "1"},
        POOL,
        wrong=(
            ("replicas", "", "required"),
            ("replicas", "-1", "greater than or equal to 0"),
            ("replicas", "1001", "less than or equal to 1000"),
            ("replicas", "many", NUMBER_NEEDED),
            ("timeout", "4", "greater than or equal to 5"),
            ("timeout", "9" * 30, "less than or equal to 3600"),
            ("reason", "r" * 501, "500"),
        ),
    ),
    "pools:distribute_start": Form(
        {"weight-unassigned": "1"},
        POOL,
        wrong=(
            ("weight-unassigned", "-1", "greater than or equal to 0"),
            ("weight-unassigned", "10001", "less than or equal to 10000"),
            ("weight-unassigned", "NaN", "Enter a number"),
            ("weight-unassigned", "half", "Enter a number"),
            ("weight-production", "1e400", "Enter a number"),
            ("floor-production", "-1", "greater than or equal to 0"),
            ("floor-production", "1.5", NUMBER_NEEDED),
            ("unit", "pounds", "valid choice"),
            ("how", "quickly", "valid choice"),
            ("timeout", "0", "greater than or equal to 5"),
            ("timeout", "9" * 30, "less than or equal to 3600"),
            ("plan", "p" * 101, "100"),
            ("reason", "r" * 501, "500"),
        ),
    ),
    "pools:shares_save": Form(
        {"dwell": "120", "patience": "60"},
        POOL,
        wrong=(
            ("kind-unassigned", "pounds", "valid choice"),
            ("kind-unassigned", "count", "say how many"),
            ("size-unassigned", "-1", "greater than or equal to 0"),
            ("size-unassigned", "9" * 30, "less than or equal to 1000"),
            ("dwell", "-1", "greater than or equal to 0"),
            ("dwell", "86401", "less than or equal to 86400"),
            ("patience", "4", "greater than or equal to 5"),
            ("patience", "", "required"),
            ("version", "new", NUMBER_NEEDED),
            ("reason", "r" * 501, "500"),
        ),
    ),
    "pools:shares_switch": Form({"to": "off"}, POOL, wrong=(("to", "sideways", "on, off"),)),
    "pools:end_exception": Form({"pod": "pool-1"}, POOL, own=True),
    "pools:clear_aside": Form({"pod": "pool-1"}, POOL, own=True),
    "pools:history_undo_start": Form({"change": "x", "reason": "no"}, POOL, own=True),
    "pools:guard_install": Form({"reason": "no"}, POOL, own=True, admin=True),
    "pools:guard_remove": Form({"reason": "no"}, POOL, own=True, admin=True),
    "pools:rollout_start": Form(
        {"image": "vllm/vllm-openai:v1"},
        POOL,
        wrong=(
            ("image", "", "what is to change"),
            ("image", "i" * 301, "300"),
            ("command", "c" * 10_001, "10000"),
            ("gpus", "-1", "greater than or equal to 0"),
            ("gpus", "65", "less than or equal to 64"),
            ("gpus", "all", NUMBER_NEEDED),
            ("cpu", "c" * 21, "20"),
            ("memory", "m" * 21, "20"),
            ("timeout", "0", "greater than or equal to 5"),
            ("timeout", "9" * 30, "less than or equal to 3600"),
            ("settle", "4", "greater than or equal to 5"),
            ("settle", "3601", "less than or equal to 3600"),
            ("revision", "0", "greater than or equal to 1"),
            ("gives_up", "b" * 64, "63"),
            ("plan", "p" * 65, "64"),
            ("reason", "r" * 501, "500"),
        ),
    ),
    "pools:create_service": Form(
        {"name": "pool-a", "business": "a"}, POOL, wrong=(*beside("name", NAMES), *beside("business", TAGS))
    ),
    "pools:configure_service": Form(
        {"pool": "default/pool", "name": "pool-a", "business": "a"},
        DEMO,
        wrong=(
            ("pool", "default/nothing", "valid choice"),
            *beside("name", NAMES),
            *beside("business", TAGS),
        ),
    ),
    "pools:delete_service": Form(kwargs={**POOL, "service": "pool-production"}, own=True),
}

ELSEWHERE = {
    "inference:service_proxy": "JSON for a model: test_proxy_paths.py and tests/inference/test_proxy.py"
}
