"""A script that outlives its runner: lines by offset, its end, taking it up again, stopping all of it."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from apps.gateways import proc, process
from apps.gateways.process import Elsewhere, Handle, ProcessError, Script
from tests.processes import PROJECT, until

SLEEP = "/bin/sleep"


def shell(text: str, folder: Path, **more: str) -> Script:
    environment = {"PATH": os.environ["PATH"], **more}
    return process.start(["/bin/sh", "-c", text], folder=folder, environment=environment)


def all_lines(script: Script, offset: int = 0) -> list[bytes]:
    return [line for batch in script.follow(offset, poll=0.02) for line in batch.lines]


def alive(pid: int) -> bool:
    return bool(proc.stat(pid))


def test_it_yields_the_lines_of_both_outputs_and_the_exit_code(tmp_path: Path) -> None:
    script = shell("echo one; echo two >&2; exit 3", tmp_path)
    assert all_lines(script) == [b"one", b"two"]
    assert script.exit_code == 3
    assert not script.running


def test_it_knows_the_start_of_a_script_that_ends_at_once(tmp_path: Path) -> None:
    handles = [process.start(["true"], folder=tmp_path / str(number)).handle for number in range(20)]
    assert all(handle.started for handle in handles)


def test_arguments_reach_the_script_unchanged(tmp_path: Path) -> None:
    words = ["a b", "$HOME", "`id`", "'", '"', "*", "\\", "ü\n", "-n", ";", "$(id)", ""]
    script = process.start(
        [sys.executable, "-c", "import sys; print(ascii(sys.argv[1:]))", *words], folder=tmp_path
    )
    assert all_lines(script) == [ascii(words).encode()]


def test_the_runners_secrets_do_not_reach_the_script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORTAL_SECRET_KEY", "canary")
    script = process.start(["env"], folder=tmp_path)
    assert not [line for line in all_lines(script) if b"canary" in line]


def test_an_unknown_command_says_so_in_its_lines(tmp_path: Path) -> None:
    script = process.start(["no-such-command"], folder=tmp_path)
    assert b"not found" in all_lines(script)[0]
    assert script.exit_code == 127


def test_nothing_to_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ProcessError):
        process.start([], folder=tmp_path)
    with pytest.raises(ProcessError):
        process.start(["echo", "a\0b"], folder=tmp_path)
    with pytest.raises(ProcessError, match="cannot be started"):
        process.start(["true"], folder=tmp_path, directory=tmp_path / "nowhere")


def test_an_unfinished_line_waits_for_its_end(tmp_path: Path) -> None:
    script = shell("printf 'whole\\nhalf'; sleep 600", tmp_path / "out")
    until(lambda: (tmp_path / "out" / "output").stat().st_size >= 10 or not script.running)
    first = script.read()
    assert first.lines == [b"whole"]
    script.stop(grace=5)
    assert script.read(first.offset, last=True).lines[0].startswith(b"half")


def test_lines_are_neither_lost_nor_doubled_across_readers(tmp_path: Path) -> None:
    script = shell("i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done", tmp_path)
    seen: list[bytes] = []
    offset = 0
    while script.running or script.read(offset).lines:
        reader = process.attach(Handle.from_dict(script.handle.as_dict()))
        batch = reader.read(offset)
        seen, offset = seen + batch.lines, batch.offset
    assert seen == [b"line %d" % number for number in range(20000)]


def test_a_line_beyond_all_measure_comes_in_pieces(tmp_path: Path) -> None:
    script = shell("head -c 2500000 /dev/zero | tr '\\0' x; echo; echo end", tmp_path)
    lines = all_lines(script)
    assert b"".join(lines) == b"x" * 2500000 + b"end"
    assert max(map(len, lines)) <= process.MAX_LINE


def test_empty_lines_are_lines(tmp_path: Path) -> None:
    assert all_lines(shell("printf 'a\\n\\n\\nb\\n'", tmp_path)) == [b"a", b"", b"", b"b"]


RUNNER = """
import json, sys, time
from pathlib import Path
from apps.gateways import proc, process
script = process.start(["/bin/sh", "-c", sys.argv[1]], folder=Path(sys.argv[2]))
print(json.dumps(script.handle.as_dict()), flush=True)
time.sleep(600)
"""


def test_it_runs_from_the_first_moment(tmp_path: Path) -> None:
    """Right after its exec a process shows no environment, and a signal may come before its first command."""
    began = time.monotonic()
    for number in range(20):
        script = process.start(["sleep", "600"], folder=tmp_path / str(number))
        assert script.running
        script.stop(grace=60)
        assert not script.running
        assert time.monotonic() - began < 60, "it waited out its grace"


def test_what_a_shell_becomes_is_asked_again(tmp_path: Path) -> None:
    """A shell's trap takes what was meant for the program that it becomes, as a fork of it does."""
    script = shell("trap : TERM; echo trapped; sleep 0.5; exec sleep 600", tmp_path / "out")
    until(lambda: script.read().lines)
    began = time.monotonic()
    script.stop(grace=60)
    assert time.monotonic() - began < 30, "it waited out its grace"


def test_a_process_whose_environment_cannot_be_seen_is_known_by_its_start(tmp_path: Path) -> None:
    ended = process.start(["true"], folder=tmp_path)
    until(lambda: not ended.running)
    bare = subprocess.Popen([SLEEP, "600"], start_new_session=True, env={})
    started = until(lambda: proc.start_time(bare.pid))
    same = replace(ended.handle, pid=bare.pid, started=started)
    assert proc.mark_of(bare.pid) is None
    assert process.attach(same).running and not process.attach(replace(same, started=started + 1)).running
    bare.kill()
    bare.wait()


def test_it_is_taken_up_again_after_its_runner_was_killed(tmp_path: Path) -> None:

    text = "i=0; while [ ! -e go ]; do sleep 0.05; done; echo after; exit 7"
    command = [sys.executable, "-c", RUNNER, f"cd {tmp_path}; {text}", str(tmp_path / "out")]
    runner = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=PROJECT, start_new_session=True)
    assert runner.stdout is not None
    handle = Handle.from_dict(json.loads(runner.stdout.readline()))
    os.killpg(runner.pid, signal.SIGKILL)
    runner.wait()
    runner.stdout.close()
    script = process.attach(handle)
    assert script.running
    (tmp_path / "go").touch()
    assert all_lines(script) == [b"after"]
    assert until(lambda: script.exit_code is not None) and script.exit_code == 7


def stopped_as(handle: Handle, stranger: "subprocess.Popen[bytes]") -> bool:
    """Whether `stop` on a record that names a stranger's process number ends the stranger."""
    started = proc.start_time(stranger.pid)
    assert started is not None
    script = process.attach(replace(handle, pid=stranger.pid, started=started))
    script.stop(grace=0.5)
    ended = stranger.poll() is not None
    stranger.kill()
    stranger.wait()
    return ended


def test_a_used_again_process_number_is_never_touched(tmp_path: Path) -> None:
    stranger = subprocess.Popen([SLEEP, "600"], start_new_session=True)
    ended = process.start(["true"], folder=tmp_path)
    until(lambda: not ended.running)
    assert not process.attach(replace(ended.handle, pid=stranger.pid)).running
    assert not stopped_as(ended.handle, stranger)


def test_the_mark_is_what_protects_the_stranger(tmp_path: Path) -> None:
    """With the mark in its environment the same call does stop it: the guard above is not idle."""
    ended = process.start(["true"], folder=tmp_path)
    until(lambda: not ended.running)
    marked = {proc.MARKER: ended.handle.mark}
    stranger = subprocess.Popen([SLEEP, "600"], start_new_session=True, env=marked)
    assert stopped_as(ended.handle, stranger)


def test_another_machine_or_boot_is_refused(tmp_path: Path) -> None:
    handle = process.start(["true"], folder=tmp_path).handle
    for other in (replace(handle, host="elsewhere pid:[1]"), replace(handle, boot="another")):
        with pytest.raises(Elsewhere):
            process.attach(other)


def test_a_broken_record_is_refused() -> None:
    with pytest.raises(ProcessError):
        Handle.from_dict({"pid": "x"})


GRANDCHILDREN = """
sleep 600 &
setsid sleep 600 &
(trap '' TERM; sleep 600 & wait) &
echo started
wait
"""


def test_stopping_ends_grandchildren_also_those_that_left_the_session(tmp_path: Path) -> None:
    script = shell(GRANDCHILDREN, tmp_path)
    until(lambda: len(script._members()) >= 6)
    members = script._members()
    script.stop(grace=0.5)
    assert len(members) >= 6 and not [pid for pid in members if alive(pid)]
    assert not script.running


def test_a_script_may_clean_up_when_it_is_stopped(tmp_path: Path) -> None:
    script = shell("trap 'echo cleaned; exit 9' TERM; echo ready; while :; do sleep 0.05; done", tmp_path)
    until(lambda: script.read().lines)
    script.stop(grace=10)
    assert all_lines(script)[-1] == b"cleaned"
    assert script.exit_code == 9


def test_a_script_whose_shell_was_killed_counts_as_running_until_it_ends(tmp_path: Path) -> None:
    script = shell("echo ready; sleep 600", tmp_path)
    until(lambda: script.read().lines)
    os.kill(script.handle.pid, signal.SIGKILL)
    until(lambda: not alive(script.handle.pid))
    assert script.running
    script.stop(grace=5)
    assert not script.running and script.exit_code is None


def test_forgetting_removes_its_files(tmp_path: Path) -> None:
    script = shell("echo x", tmp_path / "mine")
    all_lines(script)
    script.forget()
    assert not (tmp_path / "mine").exists()
    with pytest.raises(ProcessError, match="output is gone"):
        script.read()
