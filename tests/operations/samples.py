"""Runners as an app would write them, for the engine's tests; also loaded by the test worker."""

import time
from pathlib import Path

from apps.gateways.errors import Forbidden, Unreachable
from apps.operations import stopping
from apps.operations.control import OperationFailed
from apps.operations.registry import runner
from apps.operations.run import Run, Seen


@runner("Greet")
def greet(run: Run, *, name: str) -> None:
    run.log(f"Hello {name}")
    length = run.once("Measure", lambda: len(name))
    run.result(length=length)


@runner("Count", queue="long")
def count(run: Run, *, upto: int, pause: float, folder: str) -> None:
    """Lines between steps and inside of one; `folder` notes how often the work truly ran."""
    run.once("Prepare", lambda: note(folder, "prepared"))
    for number in range(upto):
        run.log(f"line {number}")
        time.sleep(pause)
    run.once("Finish", lambda: [run.log(f"last {number}") for number in range(5)])


@runner("Count once", resumable=False, queue="long")
def count_once(run: Run, *, upto: int, pause: float) -> None:
    for number in range(upto):
        run.log(f"line {number}")
        time.sleep(pause)


@runner("Wait for a file")
def await_file(run: Run, *, path: str, every: float = 0.5, deadline: float = 60) -> None:
    run.log("Looking for it")
    run.wait("Find it", lambda: Seen(Path(path).exists(), "not there yet"), every=every, deadline=deadline)
    run.result(text=run.once("Read it", lambda: Path(path).read_text()))


@runner("Lend a file")
def lend(run: Run, *, path: str) -> None:
    run.once("Make", lambda: note(path, "lent"))
    run.wait("Be asked to stop", lambda: False, every=0.5)


@lend.on_cancel
def take_back(run: Run, *, path: str) -> None:
    run.once("Take back", lambda: note(path, "taken back"))


@runner("Two steps")
def two_steps(run: Run, *, folder: str) -> None:
    """Its worker is asked to stop in the middle of the first one."""
    run.once("First", lambda: [note(folder, "first"), stopping.ask()])
    run.once("Second", lambda: note(folder, "second"))


@runner("Two steps at a stretch", resumable=False)
def at_a_stretch(run: Run, *, folder: str) -> None:
    run.once("First", lambda: [note(folder, "first"), stopping.ask()])
    run.once("Second", lambda: note(folder, "second"))


@runner("Fail")
def fail(run: Run, *, how: str) -> None:
    errors = {
        "words": OperationFailed("The oven is cold."),
        "forbidden": Forbidden("The cluster refused the portal.", status=403),
        "bug": KeyError("a secret detail"),
    }
    run.once("Break", lambda: throw(errors[how]))


@runner("Shaky look")
def shaky(run: Run, *, folder: str) -> None:
    def look() -> bool:
        note(folder, "looked")
        if len(notes(folder)) < 3:
            raise Unreachable("The cluster does not answer.")
        return True

    run.wait("Reach it", look, every=0.5)


@runner("Sleep in one call", queue="long")
def sleep_long(run: Run, *, seconds: float) -> None:
    run.log("going to sleep")
    run.once("Sleep", lambda: time.sleep(seconds))


@runner("Run a script", queue="long")
def scripted(run: Run, *, words: list[str]) -> None:
    run.script("Script", words)


@runner("Say it all", exclusive=False)
def say(run: Run, *, texts: list[str]) -> None:
    for text in texts:
        run.log(text)


def throw(error: Exception) -> None:
    raise error


def note(folder: str, word: str) -> str:
    """Leave a mark outside of the database, one file each time."""
    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    (place / f"{time.time_ns()}-{word}").touch()
    return word


def notes(folder: str) -> list[str]:
    return [path.name.partition("-")[2] for path in sorted(Path(folder).iterdir())]
