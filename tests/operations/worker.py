"""The portal's Celery application, with the sample runners: `celery -A tests.operations.worker worker`."""

from hyperpod_site.celery import app

app.conf.include = [*app.conf.include, "tests.operations.samples"]
app.conf.beat_schedule["sweep operations"]["schedule"] = 1.0
