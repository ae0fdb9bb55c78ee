"""One container of a pod: pulled, started, probed, stopped, and started again after a crash."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devcluster.clock import Callback, Timer
from devcluster.controllers.images import ImagePull
from devcluster.controllers.probes import Prober
from devcluster.engines import Process, program_of, start_process
from devcluster.logs import LogBuffer
from devcluster.objects import Json, hashed, rfc3339

if TYPE_CHECKING:
    from devcluster.controllers.pod_runner import PodRunner

FIRST_BACKOFF, LONGEST_BACKOFF = 10.0, 300.0
FORGIVEN_AFTER = 600.0  # seconds of good running that reset the crash backoff


class Container:
    """State as the status shows it, and the process behind it."""

    def __init__(self, spec: Json, runner: PodRunner, *, init: bool = False) -> None:
        self.spec = spec
        self.runner = runner
        self.init = init
        self.state: Json = {"waiting": {"reason": "PodInitializing" if init else "ContainerCreating"}}
        self.last_state: Json = {}
        self.restarts = 0
        self.started = False
        self.ready = False
        self.forced_unready = False
        self.exit_code: int | None = None
        self.process: Process | None = None
        self.log = LogBuffer(runner.clock.now)
        self.previous_log: LogBuffer | None = None
        self._began = 0.0
        self._crashes = 0
        self.pull = ImagePull(self).begin
        self._probers: dict[str, Prober] = {}
        self._timers: list[Timer] = []

    @property
    def name(self) -> str:
        return str(self.spec["name"])

    @property
    def image(self) -> str:
        return str(self.spec.get("image", ""))

    @property
    def running(self) -> bool:
        return "running" in self.state

    # --- running ------------------------------------------------------------------------------------

    def start(self) -> None:
        now = self.runner.clock.now()
        program = program_of(
            self.spec, restarts_always=self.runner.restart_policy == "Always" and not self.init
        )
        self.process = start_process(
            program, self.runner.name, self.runner.clock, self.log, self.runner.load_seconds()
        )
        self.process.on_exit = self._exited
        self.process.on_change = self._poke
        self._began = now
        self.state = {"running": {"startedAt": rfc3339(now)}}
        self.runner.event("Normal", "Created", f"Created container: {self.name}", self)
        self.runner.event("Normal", "Started", f"Started container {self.name}", self)
        self._start_probes(self.process)
        self.process.start()
        self.runner.changed()

    def resume(self, ready: bool) -> None:
        """Take over a container that ran before this kubelet did."""
        self.start_quietly()
        self.ready, self.started = ready, True

    def start_quietly(self) -> None:
        """Running without events, writes and probes: pods that the seed put there."""
        program = program_of(self.spec)
        self.process = start_process(program, self.runner.name, self.runner.clock, self.log, 0.0)
        self.process.on_exit = self._exited
        self._began = self.runner.clock.now()
        self.process.start()
        self.process.listening = self.process.program.kind != "script"

    def _start_probes(self, process: Process) -> None:
        """Readiness and liveness begin when the startup probe has passed."""
        self.ready = False
        startup = self.spec.get("startupProbe")
        self.started = not startup
        if startup:
            self._probe("startup", self.runner.looked_at_in_time(startup), process, ok=False)
        else:
            self._start_steady_probes(process)

    def _start_steady_probes(self, process: Process) -> None:
        readiness, liveness = self.spec.get("readinessProbe"), self.spec.get("livenessProbe")
        if readiness:
            self._probe("readiness", readiness, process, ok=False)
        else:
            self.ready = True
        if liveness:
            self._probe("liveness", liveness, process, ok=True)

    def _probe(self, kind: str, spec: Json, process: Process, *, ok: bool) -> None:
        prober = Prober(spec, process, self.runner.clock, ok, lambda good, why: self._probed(kind, good, why))
        self._probers[kind] = prober
        prober.poke()

    def _poke(self) -> None:
        for prober in self._probers.values():
            prober.poke()

    def _probed(self, kind: str, good: bool, why: str) -> None:
        if not good:
            self.runner.event("Warning", "Unhealthy", f"{kind.capitalize()} probe failed: {why}", self)
        if kind == "readiness":
            self.ready = good
        elif kind == "startup" and good and self.process is not None:
            self._probers.pop("startup").stop()
            self.started = True
            self._start_steady_probes(self.process)
        elif not good:
            message = f"Container {self.name} failed {kind} probe, will be restarted"
            self.runner.event("Normal", "Killing", message, self)
            self.crash(137)
        self.runner.changed()

    def crash(self, code: int) -> None:
        """The process dies of itself."""
        if self.process is not None:
            self.process.kill(code)

    # --- the end ------------------------------------------------------------------------------------

    def stop(self, grace: float) -> None:
        """preStop, then SIGTERM, then at the end of the grace SIGKILL."""
        self._cancel_timers()
        if self.process is None or self.process.ended:
            return
        self.runner.event("Normal", "Killing", f"Stopping container {self.name}", self)
        self.later(min(pre_stop_seconds(self.spec), grace), self._terminate)
        self.later(grace, self.kill)

    def hasten(self, grace: float) -> None:
        """Another deletion while stopping: whichever grace ends first counts."""
        if self.process is not None and not self.process.ended:
            self.later(grace, self.kill)

    def _terminate(self) -> None:
        if self.process is not None:
            self.process.terminate()

    def kill(self) -> None:
        self._cancel_timers()
        for prober in self._probers.values():
            prober.stop()
        if self.process is not None:
            self.process.kill()

    def _exited(self, code: int) -> None:
        self._cancel_timers()
        for prober in self._probers.values():
            prober.stop()
        self._probers.clear()
        now = self.runner.clock.now()
        self.exit_code = code
        self.ready = self.started = False
        self.state = {"terminated": self._terminated(code, now)}
        if now - self._began > FORGIVEN_AFTER:
            self._crashes = 0
        self.runner.exited(self)

    def _terminated(self, code: int, now: float) -> Json:
        return {
            "exitCode": code,
            "reason": "Completed" if code == 0 else "Error",
            "startedAt": rfc3339(self._began),
            "finishedAt": rfc3339(now),
            "containerID": self.container_id,
        }

    def restart(self) -> None:
        """At once the first time, then after 10, 20, 40 ... 300 s, as upstream."""
        self.last_state, crashes = self.state, self._crashes
        self._crashes += 1
        if crashes == 0:
            self._begin_again()
            return
        wait = min(LONGEST_BACKOFF, FIRST_BACKOFF * 2 ** (crashes - 1))
        message = (
            f"back-off {wait:.0f}s restarting failed container={self.name} "
            f"pod={self.runner.name}_{self.runner.namespace}({self.runner.uid})"
        )
        self.runner.event(
            "Warning",
            "BackOff",
            f"Back-off restarting failed container {self.name} in pod "
            f"{self.runner.name}_{self.runner.namespace}({self.runner.uid})",
            self,
        )
        self.wait("CrashLoopBackOff", message)
        self.later(wait, self._begin_again)

    def _begin_again(self) -> None:
        self.restarts += 1
        self.previous_log, self.log = self.log, LogBuffer(self.runner.clock.now)
        self.pull()

    def lose_power(self) -> None:
        """The node went down: no event, no status; the process is gone."""
        self._cancel_timers()
        for prober in self._probers.values():
            prober.stop()
        self._probers.clear()
        if self.process is not None:
            self.process.on_exit = lambda code: None
            self.process.kill()

    def reboot(self) -> None:
        """The node is back: what ran starts again."""
        self.last_state = {
            "terminated": {**self._terminated(255, self.runner.clock.now()), "reason": "Unknown"}
        }
        self.state = {"waiting": {"reason": "ContainerCreating"}}
        self.ready = self.started = False
        self._begin_again()

    # --- helpers ------------------------------------------------------------------------------------

    @property
    def container_id(self) -> str:
        mark = hashed(f"{self.runner.uid}/{self.name}/{self.restarts}", 32)
        return f"containerd://{mark.encode().hex()}"

    def status(self) -> Json:
        """An entry of containerStatuses."""
        ran = self.process is not None
        return {
            "name": self.name,
            "state": self.state,
            "lastState": self.last_state,
            "ready": self.ready and not self.forced_unready,
            "restartCount": self.restarts,
            "image": self.image,
            "imageID": f"{self.image.split(':')[0]}@sha256:{hashed(self.image, 32).encode().hex()}"
            if ran
            else "",
            **({"containerID": self.container_id} if ran else {}),
            "started": self.started if not self.init else False,
        }

    def wait(self, reason: str, message: str) -> None:
        self.state = {"waiting": {"reason": reason, "message": message}}
        self.runner.changed()

    def later(self, seconds: float, callback: Callback) -> None:
        self._timers.append(self.runner.clock.after(seconds, callback))

    def _cancel_timers(self) -> None:
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()


def pre_stop_seconds(spec: Json) -> float:
    """How long the preStop hook takes: its sleep, in any of the usual forms; 0 without one."""
    hook = (spec.get("lifecycle") or {}).get("preStop") or {}
    if "sleep" in hook:
        return float(hook["sleep"].get("seconds", 0))
    text = " ".join(str(word) for word in (hook.get("exec") or {}).get("command") or ())
    words = text.replace(";", " ").split()
    for index, word in enumerate(words[:-1]):
        if word.rsplit("/", 1)[-1] == "sleep" and words[index + 1].replace(".", "").isdigit():
            return float(words[index + 1])
    return 0.0
