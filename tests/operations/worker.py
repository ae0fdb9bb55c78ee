"""The portal's Celery application, with the sample runners: `celery -A tests.operations.worker worker`."""

import os
from pathlib import Path
from typing import Any

from celery.signals import worker_ready

from hyperpod_site.celery import app

app.conf.include = [*app.conf.include, "tests.operations.samples"]
app.conf.beat_schedule["sweep operations"]["schedule"] = 1.0


@worker_ready.connect
def tell(**_details: Any) -> None:
    """The test waits for this file."""
    Path(os.environ["TEST_WORKER_READY"]).touch()
