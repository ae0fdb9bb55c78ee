"""One long run, as `make chaos STEPS=10000 SEED=7` asks for it; not part of `make test`."""

from pathlib import Path

import pytest

from tests.pools.chaos.ground import ground
from tests.pools.chaos.run import Chaos
from tests.processes import Devcluster


@pytest.mark.django_db(transaction=True)
@pytest.mark.timeout(0)
def test_the_invariants_hold_in_a_long_run(
    request: pytest.FixtureRequest, chaos_cluster: Devcluster, tmp_path: Path
) -> None:
    with ground(chaos_cluster, tmp_path) as place:
        chaos = Chaos(place, request.config.getoption("--chaos-seed"), talks=True)
        try:
            found = chaos.run(request.config.getoption("--chaos-steps"))
        finally:  # who interrupts it is told what was tried, too
            print(f"\n{chaos.table()}")
    assert found == [], "\n".join(found)
