from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class OperationsConfig(AppConfig):
    name = "apps.operations"
    label = "operations"

    def ready(self) -> None:
        """Load every app's runners: a worker must know them all before the first message comes."""
        autodiscover_modules("operations")
