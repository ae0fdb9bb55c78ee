"""The development cluster: a small Kubernetes in one process, reached only over the wire."""
