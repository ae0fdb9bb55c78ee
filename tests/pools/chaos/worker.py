"""A worker without a broker: takes up whatever operation is due until it is killed."""

import os
import sys
import threading
import time

import django

HANDS = 2


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hyperpod_site.settings")
    django.setup()
    others = [threading.Thread(target=work, daemon=True) for _ in range(HANDS - 1)]
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


if __name__ == "__main__":
    sys.exit(main())
