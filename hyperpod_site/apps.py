"""Joins what siblings may not know of each other, once all apps are loaded."""

from django.apps import AppConfig


class SiteConfig(AppConfig):
    name = "hyperpod_site"
    label = "hyperpod_site"

    def ready(self) -> None:
        from apps.audit import entries
        from apps.live import publish, topics

        entries.on_entry(lambda entry: publish.publish(topics.audit()))
