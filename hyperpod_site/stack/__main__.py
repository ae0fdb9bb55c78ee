"""`python -m hyperpod_site.stack demo|check`."""

import sys
import tempfile
from pathlib import Path

from hyperpod_site.stack.demo import demo
from hyperpod_site.stack.services import ServiceFailed
from hyperpod_site.stack.stack import Stack


def check() -> int:
    """Django's own checks and whether every model change has its migration, against a throw-away Postgres."""
    with tempfile.TemporaryDirectory(prefix="portal-") as name:
        stack = Stack(Path(name), with_aws=False)
        try:
            for service in stack.services:
                service.start()
            stack.manage("makemigrations", "--check", "--dry-run")
            stack.environment["PORTAL_ORIGIN"] = "https://portal.example"
            stack.manage("check", "--deploy", "--fail-level=WARNING")
        except ServiceFailed as failure:
            print(failure, file=sys.stderr)
            return 1
        finally:
            stack.stop()
    return 0


if __name__ == "__main__":
    COMMANDS = {"demo": demo, "check": check}
    if len(sys.argv) != 2 or sys.argv[1] not in COMMANDS:
        sys.exit(f"usage: python -m hyperpod_site.stack {'|'.join(COMMANDS)}")
    sys.exit(COMMANDS[sys.argv[1]]())
