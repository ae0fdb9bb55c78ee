"""devcluster answers as a real API server did: the recorded exchanges of tests/wire, played again."""

from __future__ import annotations

import asyncio
import copy

from devcluster.resources import resource
from tests.devcluster.wire import Json, Stage, Tally, difference, load, recorded_body, run_watch
from tests.devcluster.wire_plan import Plan
from tests.devcluster.wire_plans_living import PLANS, STATES
from tests.devcluster.wire_plans_reading import WATCHES

FLOOR = 213
WORKED_FLOOR = 190


async def play(plan: Plan, tally: Tally) -> None:
    """Play one file in its order; the exchanges of a `fresh` plan each get a stage of their own."""
    exchanges = load(plan.file)
    wanted = [index for index in range(len(exchanges)) if plan.only is None or index in plan.only]
    tally.skipped.update({f"{plan.file}#{index}": plan.skip[index] for index in wanted if index in plan.skip})
    wanted = [index for index in wanted if index not in plan.skip]
    if plan.fresh:
        await asyncio.gather(*(_some(plan, tally, exchanges, [index]) for index in wanted))
    else:
        await _some(plan, tally, exchanges, wanted)


async def _some(plan: Plan, tally: Tally, exchanges: list[Json], wanted: list[int]) -> None:
    stage = Stage()
    plan.seed(stage, exchanges)
    for index in wanted:
        tally.add(f"{plan.file}#{index}", await _exchange(plan, stage, index, exchanges[index]))


async def _exchange(plan: Plan, stage: Stage, index: int, exchange: Json) -> str:
    exchange = plan.asked.get(index, lambda same: same)(exchange)
    if plan.echo_status:
        _echo_status(stage, exchange)
    if act := plan.before.get(index):
        act(stage, exchange)
    if during := plan.during.get(index):
        status, body = await run_watch(stage, exchange, lambda: during(stage, exchange))
    else:
        status, body, _ = await stage.ask(exchange)
    stage.learn(exchange["response"]["body"], body)
    return difference(status, body, exchange, plan.adapt.get(index, lambda value: value))


def _echo_status(stage: Stage, exchange: Json) -> None:
    """The controllers that are not on stage have reported what the recording shows."""
    body = recorded_body(exchange)
    if not isinstance(body, dict) or body.get("kind") != "Deployment" or "status" not in body:
        return
    metadata, kind = body["metadata"], resource("deployments")
    if stage.store.find(kind, metadata["namespace"], metadata["name"]):
        stage.status(kind, metadata["namespace"], metadata["name"], body["status"])


async def test_the_recorded_exchanges_come_out_the_same() -> None:
    tally = Tally()
    await asyncio.gather(*(play(plan, tally) for plan in PLANS))
    worked = len(tally.matched) - sum(_reads_back(name) for name in tally.matched)
    print(f"\nexchanges: {tally.tried} tried, {len(tally.matched)} matched, {len(tally.skipped)} skipped;")
    print(f"of the matched, {worked} were worked out here, the others read back an object placed as recorded")
    for name, why in tally.skipped.items():
        print(f"  skipped {name}: {why}")
    for name, why in tally.differing.items():
        print(f"  DIFFERS {name}: {why}")
    assert not tally.differing
    assert len(tally.matched) >= FLOOR
    assert worked >= WORKED_FLOOR


def _reads_back(name: str) -> bool:
    """A plain GET of what the stage was given shows only that schemas and encoding agree."""
    file, _, index = name.partition("#")
    exchange = load(file)[int(index)]
    asked = exchange["request"]
    plain = asked["method"] == "GET" and exchange["response"]["status"] == 200
    return (
        plain and "?" not in asked["path"] and not asked.get("accept") and "namespaces/demo" in asked["path"]
    )


async def test_a_tampered_recording_is_noticed() -> None:
    stage, exchanges = Stage(), load(STATES.file)
    STATES.seed(stage, exchanges)
    tampered = copy.deepcopy(exchanges[0])
    tampered["response"]["body"]["status"]["phase"] = "Running"
    status, body, _ = await stage.ask(tampered)
    assert ".status.phase" in difference(status, body, tampered)


async def test_a_watch_that_misses_an_event_is_noticed() -> None:
    stage, exchange = Stage(), load(WATCHES.file)[4]
    status, body, _ = await stage.ask(exchange)
    assert difference(status, body, exchange)
