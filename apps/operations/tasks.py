"""What Celery calls: three names, no logic. The queue carries ids; the database decides."""

from celery import shared_task

from apps.operations import periodic, runner, sweeper


@shared_task(name="operations.run")  # type: ignore[untyped-decorator]  # Celery has no types
def run(pk: int) -> None:
    """Take up one operation."""
    runner.execute(pk)


@shared_task(name="operations.sweep")  # type: ignore[untyped-decorator]  # Celery has no types
def sweep() -> None:
    """Look after operations that nobody looks after, and hand out periodic duties. Called by the beat."""
    sweeper.sweep()
    for name in periodic.take_due():
        duty.apply_async((name,), queue="quick", expires=60)


@shared_task(name="operations.duty")  # type: ignore[untyped-decorator]  # Celery has no types
def duty(name: str) -> None:
    """Do one periodic duty."""
    periodic.call(name)
