"""A script that talks at a steady pace: `lines_script.py RATE SECONDS GATE`; it begins when the file GATE is
there.

Each line begins with `t<nanoseconds>-<number>`, the moment when it was written.
"""

import sys
import time
from pathlib import Path

BURSTS_PER_SECOND = 50
REST = "epoch 3 step 1200 loss 1.7342 learning rate 0.000124 tokens per second 18234"


def main(rate: int, seconds: float, gate: Path) -> None:
    """Write `rate` lines a second, in bursts, as a busy program would."""
    while not gate.exists():
        time.sleep(0.05)
    burst, begun = rate // BURSTS_PER_SECOND, time.monotonic()
    for number in range(int(seconds * BURSTS_PER_SECOND)):
        time.sleep(max(0.0, begun + number / BURSTS_PER_SECOND - time.monotonic()))
        lines = range(number * burst, (number + 1) * burst)
        sys.stdout.write("".join(f"t{time.time_ns()}-{line} {REST}\n" for line in lines))
        sys.stdout.flush()


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]), Path(sys.argv[3]))
