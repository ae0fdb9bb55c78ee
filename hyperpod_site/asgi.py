"""The web process: HTTP by Django, sockets by Channels."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hyperpod_site.settings")
http = get_asgi_application()

# Django's apps must be ready before consumers are imported.
from channels.routing import ProtocolTypeRouter  # noqa: E402  (as the line above says)

from apps.live.leftovers import CloseLeftovers  # noqa: E402  (the same)
from apps.live.routing import sockets  # noqa: E402  (the same)
from hyperpod_site.bodies import LimitBodies  # noqa: E402  (the same)

application = ProtocolTypeRouter({"http": LimitBodies(CloseLeftovers(http)), "websocket": sockets})
