"""Calls to served models: who may call which service, with what, and how the gateway is asked."""

import time
from dataclasses import dataclass
from typing import Any

import structlog
from django.utils.translation import gettext as _

from apps.accounts import policy
from apps.accounts.models import User
from apps.clusters.connections import gateways
from apps.clusters.models import Cluster
from apps.gateways.errors import Invalid
from apps.gateways.kubernetes import Kubernetes
from apps.gateways.kubernetes.giveup import GiveUp
from apps.gateways.kubernetes.proxy import MAX_RESPONSE, ProxyResponse
from apps.inference.json_text import json_problem
from apps.inference.permissions import CALL
from apps.inference.selectors import services

logger = structlog.get_logger(__name__)
FIRST_BYTE = 30.0
WHOLE = 600.0
METHODS = ("GET", "POST")


@dataclass(frozen=True)
class Call:
    """A permitted call of a service that exists; `body` is checked JSON, None for GET. Needs no database.

    `most` is how many bytes of an answer are taken.
    """

    person: str
    cluster: Cluster
    kubernetes: Kubernetes
    namespace: str
    service: str
    port: int
    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    body: bytes | None = None
    accept: str = "*/*"
    most: int = MAX_RESPONSE

    def open(self, give_up: GiveUp | None = None) -> ProxyResponse:
        """Ask; returns when the answer begins. Raises gateways' errors. Blocks up to FIRST_BYTE seconds."""
        started = time.monotonic()
        answer = self.kubernetes.proxy(
            "services",
            self.service,
            self.port,
            self.path,
            namespace=self.namespace,
            method=self.method,
            query=self.query,
            body=self.body,
            headers={"Accept": self.accept, "Content-Type": "application/json"},
            timeout=WHOLE,
            first_byte=FIRST_BYTE,
            max_bytes=self.most,
            give_up=give_up,
        )
        self._log(answer.status, started)
        return answer

    def _log(self, status: int, started: float) -> None:
        """A test changes nothing, so it is in the log and not in the audit."""
        logger.info(
            "model_called",
            person=self.person,
            cluster=self.cluster.slug,
            service=f"{self.namespace}/{self.service}",
            path=self.path,
            status=status,
            milliseconds=round((time.monotonic() - started) * 1000),
        )


def prepare(user: User, cluster: Cluster, namespace: str, service: str, **asked: Any) -> Call:
    """A call, or why not, by what this request has just read of the person and the cluster: a token of the
    answer waits for each further question. Raises Refused, Http404 for a service that is not to be called,
    Invalid.
    """
    policy.require_to_see(user, CALL, cluster=cluster.slug)
    found = services.callable_service(cluster.pk, namespace, service)
    if asked["method"] not in METHODS:
        raise Invalid(_("Only GET and POST are passed on."))
    return Call(
        person=user.get_username(),
        cluster=cluster,
        kubernetes=gateways(cluster).kubernetes,
        namespace=namespace,
        service=service,
        port=found.port,
        **asked,
    )


def json_body(text: bytes) -> bytes:
    """`text` when it is JSON. Raises Invalid saying in which line and column it is not."""
    try:
        problem = json_problem(text.decode())
    except UnicodeDecodeError:
        problem = _("It is not UTF-8.")
    if problem:
        raise Invalid(_("The request is not JSON. %(why)s") % {"why": problem})
    return text
