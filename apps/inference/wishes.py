"""What somebody wants deployed, and the manifests that say so to Kubernetes."""

from dataclasses import dataclass
from typing import Any

from apps.gateways import manifests
from apps.inference import naming
from apps.inference.commands import Engine, EngineCommand
from apps.inference.statuses import Access, Kind

IMAGES = {
    Engine.VLLM: "vllm/vllm-openai:latest",
    Engine.SGLANG: "lmsysorg/sglang:latest",
    Engine.OLLAMA: "ollama/ollama:latest",
}

# Loads the model on an address of the pod's own first, so that the port answers only when the model is there.
OLLAMA_START = """export OLLAMA_HOST=127.0.0.1:11435
ollama serve & server=$!
until ollama list >/dev/null 2>&1; do sleep 1; done
ollama pull "$0" || exit 1
kill $server; wait $server
export OLLAMA_HOST=0.0.0.0:11434
exec ollama serve"""


@dataclass(frozen=True, kw_only=True)
class Wish:
    """A checked wish. `gpus` per pod; `cpu` and `memory` are Kubernetes quantities, None = no request."""

    command: EngineCommand
    text: str
    image: str
    namespace: str
    replicas: int
    gpus: int
    name: str = ""
    kind: Kind = Kind.STANDARD
    access: Access = Access.CLUSTER
    instance_types: tuple[str, ...] = ()
    cpu: str | None = None
    memory: str | None = None

    @property
    def has_service(self) -> bool:
        """Whether a Service belongs to it; a pool's Services are its businesses'."""
        return self.kind is Kind.STANDARD and self.access is not Access.NONE

    def free_name(self, taken: set[str]) -> str:
        """The wanted name, or one made from the model that is not `taken`."""
        suffix = "pool" if self.kind is Kind.POOL else ""
        engine = self.command.engine.value
        return self.name or naming.kubernetes_name(
            self.command.model_id, engine=engine, suffix=suffix, taken=taken
        )


def manifests_of(wish: Wish, *, name: str, actor: str, secret_name: str = "") -> list[dict[str, Any]]:
    """The Deployment, and the Service or a pool's PriorityClass if it has one. Raises gateways' Invalid for
    impossible values.
    """
    pool = wish.kind is Kind.POOL
    own_class = naming.priority_class(wish.namespace, name)
    made = manifests.render(
        "model_pool" if pool else "model_deployment",
        name=name,
        namespace=wish.namespace,
        model_type=wish.command.engine.value,
        model_id=wish.command.model_id,
        image=wish.image,
        command=argv_of(wish.command),
        replicas=wish.replicas,
        port=wish.command.port,
        gpus=wish.gpus or None,
        cpu=wish.cpu,
        memory=wish.memory,
        instance_types=list(wish.instance_types) or None,
        health_path="/" if wish.command.engine is Engine.OLLAMA else "/health",
        environment=dict(wish.command.environment),
        token_secret=secret_name or None,
        actor=actor,
        **({"priority_class": own_class} if pool else {}),
    )
    if pool:
        return manifests.render("pool_priority", name=own_class, pool=name, actor=actor) + made
    return made + service_of(wish, name=name, actor=actor) if wish.has_service else made


def argv_of(command: EngineCommand) -> list[str]:
    """What the container runs."""
    if command.engine is Engine.OLLAMA:
        return ["/bin/sh", "-c", OLLAMA_START, command.model_id]
    return list(command.argv)


def service_of(wish: Wish, *, name: str, actor: str) -> list[dict[str, Any]]:
    """The Service of a standard deployment."""
    return manifests.render(
        "model_service",
        name=name,
        namespace=wish.namespace,
        deployment=name,
        model_type=wish.command.engine.value,
        port=wish.command.port,
        load_balancer=wish.access.load_balancer,
        actor=actor,
    )
