"""The JSON API of this app."""

from ninja import Router

router = Router()
flat_router = Router()
