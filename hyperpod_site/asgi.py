"""The web process: HTTP by Django, sockets by Channels."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hyperpod_site.settings")
http = get_asgi_application()

from apps.live.routing import sockets  # noqa: E402
from channels.routing import ProtocolTypeRouter  # noqa: E402  (Django's apps must be ready before consumers are imported)

from hyperpod_site.bodies import LimitBodies  # noqa: E402

application = ProtocolTypeRouter({"http": LimitBodies(http), "websocket": sockets})
