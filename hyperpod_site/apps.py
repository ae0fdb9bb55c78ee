"""Joins what siblings may not know of each other, once all apps are loaded."""

from django.apps import AppConfig


class SiteConfig(AppConfig):
    name = "hyperpod_site"
    label = "hyperpod_site"

    def ready(self) -> None:
        from apps.audit import entries
        from apps.live import publish, topics
        from hyperpod_site import celery

        celery.app.set_default()  # shared tasks send through this application, in web processes too
        from hyperpod_site import audit_live, checks, fragments  # noqa: F401  they register themselves

        entries.on_entry(lambda entry: publish.publish(topics.audit()))
