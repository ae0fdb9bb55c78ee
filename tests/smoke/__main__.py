"""`python -m tests.smoke [NAME ...]`: run scenarios, exit non-zero at the first untruth."""

import importlib
import sys
import tempfile
from pathlib import Path

from hyperpod_site.stack.services import ServiceFailed
from hyperpod_site.stack.stack import Stack
from tests.smoke.report import Report, Untrue

SCENARIOS = ("main", "pools")
LOG_TAIL = 60


def run(name: str) -> bool:
    """One scenario on a stack of its own. Returns whether everything in it was true."""
    scenario = importlib.import_module(f"tests.smoke.scenario_{name}")
    with tempfile.TemporaryDirectory(prefix="portal-smoke-") as folder:
        stack = Stack(Path(folder), devcluster_options=scenario.DEVCLUSTER)
        stack.environment["PORTAL_API_RATE"] = "100000/m"  # clients without pause are what is walked here
        report = Report(name)
        try:
            with report.step("start a throw-away stack on free ports"):
                stack.start()
            scenario.walk(stack, report)
        except (Untrue, ServiceFailed) as untruth:
            print(
                f"\n{name}: {untruth}\n\nLast lines of the stack:\n{tail(Path(folder) / 'log')}",
                file=sys.stderr,
            )
            return False
        finally:
            stack.stop()
    return True


def tail(log: Path) -> str:
    """What was said last, but for calls of models that went well: there are thousands."""
    lines = log.read_text(errors="replace").splitlines()
    told = [line for line in lines if not ("model_called" in line and "status=200" in line)]
    return "\n".join(told[-LOG_TAIL:])


def main(names: list[str]) -> int:
    unknown = set(names) - set(SCENARIOS)
    if unknown:
        print(
            f"There is no scenario {', '.join(sorted(unknown))}; there are: {', '.join(SCENARIOS)}",
            file=sys.stderr,
        )
        return 2
    wanted = names or list(SCENARIOS)
    failed = [name for name in wanted if not run(name)]
    print(f"\n{len(wanted) - len(failed)} passed, {len(failed)} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
