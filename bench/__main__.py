"""`python -m bench [NAME ...]`: each in a process of its own; `--write` renews docs/performance.md."""

import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
BENCHES = ("mirror", "watcher", "live_push", "log_lines", "open_pages", "streaming", "board", "distribution")
HEAD = """# Performance

Printed by `make bench`, on a machine with 2 cores that other work was using at the same time: read ratios and
counts; milliseconds are goals for an idle machine, never gates.

"""


def run(name: str) -> str:
    """What the benchmark printed, shown while it runs. Raises CalledProcessError when it breaks."""
    command = [sys.executable, "-m", f"bench.{name}"]
    printed = []
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as child:
        for line in child.stdout or ():
            printed.append(line)
            print(line, end="", flush=True)
    if child.returncode:
        raise subprocess.CalledProcessError(child.returncode, command)
    return "".join(printed)


def main(arguments: list[str]) -> int:
    names = [name for name in arguments if not name.startswith("--")] or list(BENCHES)
    unknown = set(names) - set(BENCHES)
    if unknown:
        print(
            f"There is no benchmark {', '.join(sorted(unknown))}; there are: {', '.join(BENCHES)}",
            file=sys.stderr,
        )
        return 2
    tables = [run(name) for name in names]
    if "--write" in arguments:
        (PROJECT / "docs" / "performance.md").write_text(HEAD + "\n".join(tables))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
