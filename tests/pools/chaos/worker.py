"""A worker without a broker: operations that are due and the reconciler's duty, until it is killed."""

import os
import sys
import threading
import time

import django

HANDS = 2


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hyperpod_site.settings")
    django.setup()
    print("at work", flush=True)
    others = [threading.Thread(target=work, daemon=True) for _ in range(HANDS - 1)]
    others.append(threading.Thread(target=keep, daemon=True))
    for other in others:
        other.start()
    work()


def work() -> None:
    """Look for work again and again; nobody is asked to wait between two looks at the cluster."""
    from django.db.models.functions import Now

    from apps.operations.models import Operation
    from apps.operations.runner import execute
    from apps.operations.statuses import ACTIVE, OperationStatus

    while os.getppid() != 1:
        Operation.objects.filter(status=OperationStatus.WAITING).update(next_look_at=Now())
        for pk in Operation.objects.filter(status__in=ACTIVE).values_list("pk", flat=True):
            execute(pk)
        time.sleep(0.1)


def keep() -> None:
    """Call the reconciler's duty, as the watcher and the beat have workers do."""
    from apps.operations import periodic
    from apps.pools.reconciler.turns import DUTY

    while os.getppid() != 1:
        periodic.call(DUTY)
        time.sleep(0.2)


if __name__ == "__main__":
    sys.exit(main())
