"""The Kubernetes gateway: kubectl's verbs in snake case; dicts in, dicts or raw bytes out."""

from apps.gateways.kubernetes.client import Kubernetes
from apps.gateways.kubernetes.proxy import ProxyResponse
from apps.gateways.kubernetes.streams import Lines, Watch

__all__ = ["Kubernetes", "Lines", "ProxyResponse", "Watch"]
