"""One pod on its node: brings its containers up, keeps its status true, and takes it down in good order."""

from __future__ import annotations

import math
import random
from typing import TYPE_CHECKING

from devcluster.clock import Clock
from devcluster.controllers.container import Container
from devcluster.controllers.pod_status import pod_status
from devcluster.engines import Server
from devcluster.logs import LogBuffer
from devcluster.objects import Json, is_terminating, key_of, rfc3339, spec_of, status_of, uid_of

if TYPE_CHECKING:
    from devcluster.controllers.kubelet import Kubelet


class PodRunner:
    """Lives from the binding of a pod until it is gone."""

    def __init__(self, pod: Json, kubelet: Kubelet) -> None:
        self.kubelet = kubelet
        self.clock: Clock = kubelet.clock
        self.rng: random.Random = kubelet.rng
        self.namespace, self.name = key_of(pod)
        self.uid = uid_of(pod)
        self.node: str = spec_of(pod)["nodeName"]
        self.spec = spec_of(pod)
        self.pod = pod
        self.ip = status_of(pod).get("podIP") or ""
        self.start_time = status_of(pod).get("startTime") or rfc3339(self.clock.now())
        self.init_containers = [
            Container(spec, self, init=True) for spec in self.spec.get("initContainers") or ()
        ]
        self.containers = [Container(spec, self) for spec in self.spec.get("containers") or ()]
        self.terminating = False
        self.grace = math.inf
        self.final: Json | None = None
        self.down = False

    @property
    def restart_policy(self) -> str:
        return str(self.spec.get("restartPolicy", "Always"))

    @property
    def initialized(self) -> bool:
        return all(container.exit_code == 0 for container in self.init_containers)

    # --- up -----------------------------------------------------------------------------------------

    def begin(self) -> None:
        self.changed()
        self.clock.after(self.kubelet.options.startup * self.rng.uniform(0.05, 0.15), self._network_ready)

    def adopt(self) -> None:
        """The pod runs already, as the API says: serve it without touching its status."""
        for container, entry in zip(
            self.containers, status_of(self.pod).get("containerStatuses") or (), strict=False
        ):
            container.state = entry["state"]
            container.restarts = entry.get("restartCount", 0)
            container.resume(ready=entry.get("ready", False))

    def _network_ready(self) -> None:
        if self.final is not None or self.terminating or self.down:
            return
        self.ip = self.ip or self.kubelet.next_ip()
        if self.init_containers:
            self.init_containers[0].pull()
        else:
            self._start_containers()

    def _start_containers(self) -> None:
        for container in self.containers:
            container.pull()

    def exited(self, container: Container) -> None:
        """A container's process ended: go on, start it again, or finish the pod."""
        if self.terminating:
            self.changed()
            self._finish_if_stopped()
        elif self.final is not None:
            return
        elif container.init and container.exit_code == 0:
            self._after_init(container)
        elif self._restarts(container):
            container.restart()
            self.changed()
        else:
            self.changed()

    def _after_init(self, container: Container) -> None:
        following = self.init_containers.index(container) + 1
        if following < len(self.init_containers):
            self.init_containers[following].pull()
        else:
            self._start_containers()
        self.changed()

    def _restarts(self, container: Container) -> bool:
        if self.restart_policy == "Never":
            return False
        return container.exit_code != 0 or (self.restart_policy == "Always" and not container.init)

    # --- down ---------------------------------------------------------------------------------------

    def terminate(self, pod: Json) -> None:
        """A deletion was asked for; a later one with a shorter grace counts."""
        self.pod = pod
        grace = float(pod["metadata"].get("deletionGracePeriodSeconds") or 0)
        if self.down or grace >= self.grace:
            return
        for container in self._all():
            container.hasten(grace) if self.terminating else container.stop(grace)
        self.terminating, self.grace = True, grace
        self._finish_if_stopped()

    def _finish_if_stopped(self) -> None:
        if all(container.process is None or container.process.ended for container in self._all()):
            self.kubelet.remove(self)

    def fail(self, reason: str, message: str) -> None:
        """Evicted, or out of a resource: phase Failed, containers gone, labels and owner kept."""
        self.final = {"phase": "Failed", "reason": reason, "message": message, "startTime": self.start_time}
        for container in self._all():
            container.kill()
        self.kubelet.write_status(self, self.final)

    def lose_power(self) -> None:
        self.down = True
        for container in self._all():
            container.lose_power()

    def reboot(self, pod: Json) -> None:
        """The node is back: finish a deletion that waited, or start again."""
        self.down = False
        self.pod = pod
        if is_terminating(pod):
            self.terminating = True
            self.kubelet.remove(self)
        elif self.final is None:
            self._start_over()

    def _start_over(self) -> None:
        """After a power cut: what ran runs again with a new address, what had not begun begins."""
        if not self.initialized or all(container.process is None for container in self.containers):
            self.begin()
            return
        self.ip = self.kubelet.next_ip()
        for container in self.containers:
            container.reboot()

    # --- what others ask ----------------------------------------------------------------------------

    def server(self, port: int | str) -> Server | None:
        """The program that listens on a port (number or name) now."""
        number = self.port_number(port)
        for container in self.containers:
            process = container.process
            if isinstance(process, Server) and process.listening and process.program.port == number:
                return process
        return None

    def servers(self) -> list[Server]:
        """All programs of the pod that answer HTTP."""
        return [item.process for item in self.containers if isinstance(item.process, Server)]

    def port_number(self, port: int | str) -> int | None:
        if isinstance(port, int) or port.isdigit():
            return int(port)
        for container in self.containers:
            for entry in container.spec.get("ports") or ():
                if entry.get("name") == port:
                    return int(entry["containerPort"])
        return None

    def log(self, container: str, previous: bool) -> LogBuffer | None:
        for candidate in self._all():
            if candidate.name == container or (not container and not candidate.init):
                return candidate.previous_log if previous else candidate.log
        return None

    # --- what containers ask ------------------------------------------------------------------------

    def changed(self) -> None:
        """Write the status as it is now, unless the pod's end is already written."""
        if self.final is None and not self.down:
            self.kubelet.write_status(self, pod_status(self, self.clock.now()))

    def event(self, kind: str, reason: str, message: str, container: Container) -> None:
        part = "initContainers" if container.init else "containers"
        self.kubelet.event(self, kind, reason, message, f"spec.{part}{{{container.name}}}")

    def has_image(self, image: str) -> bool:
        return (self.node, image) in self.kubelet.images

    def keep_image(self, image: str) -> None:
        self.kubelet.images.add((self.node, image))

    def pull_seconds(self) -> float:
        return self.kubelet.options.startup * 0.25

    def load_seconds(self) -> float:
        return self.kubelet.load_seconds(self)

    def looked_at_in_time(self, startup_probe: Json) -> Json:
        """Where models are told to load in less than a probe's period, it looks as often as they load."""
        period = min(float(startup_probe.get("periodSeconds", 10)), self.kubelet.options.startup)
        return {**startup_probe, "periodSeconds": period}

    def _all(self) -> list[Container]:
        return [*self.init_containers, *self.containers]
