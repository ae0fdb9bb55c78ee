"""The portal's Celery application with the benchmarks' runners: `celery -A bench.worker worker`."""

from hyperpod_site.celery import app

app.conf.include = [*app.conf.include, "bench.runners"]
