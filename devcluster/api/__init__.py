"""The HTTP face of the development cluster: one ASGI application that speaks as kube-apiserver does."""
