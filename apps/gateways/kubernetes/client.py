"""The one object that the rest of the portal holds to speak to a cluster."""

from types import TracebackType
from typing import Self

from apps.gateways.connection import Connection
from apps.gateways.kubernetes.pacing import Pace, PacedTransport
from apps.gateways.kubernetes.proxy import Proxy
from apps.gateways.kubernetes.reads import Reads
from apps.gateways.kubernetes.transport import Transport
from apps.gateways.kubernetes.writes import Writes


class Kubernetes(Reads, Writes, Proxy):
    """A cluster's API server as one identity; safe to share between threads, and across a fork.

    `timeout` is the deadline of a call in seconds, retries included. Every verb raises a GatewayError.
    """

    def __init__(self, connection: Connection, *, timeout: float = 10) -> None:
        self.connection = connection
        self.transport: Transport = Transport(connection, timeout=timeout)

    def paced(self, pace: Pace) -> "Kubernetes":
        """The same identity and connections for a batch, whose calls wait for their turn."""
        other = Kubernetes(self.connection, timeout=self.transport.timeout)
        other.transport = PacedTransport(self.transport, pace)
        return other

    def close(self) -> None:
        """Let go of idle connections."""
        self.transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
