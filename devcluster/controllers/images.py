"""Fetching a container's image: at once when the node has it, in vain when no registry does."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from devcluster.controllers.container import Container

FIRST_BACKOFF, LONGEST_BACKOFF = 10.0, 300.0
MISSING_IMAGE = "does-not-exist"
IMAGE_BYTES = 8 * 2**30


class ImagePull:
    """Works for one container, at every start of it."""

    def __init__(self, container: Container) -> None:
        self._container = container
        self._runner = container.runner
        self._image = container.image
        self._pulls = 0

    def begin(self) -> None:
        """Fetch the image unless the node has it, then start."""
        if self._runner.has_image(self._image) and self._container.spec.get("imagePullPolicy") != "Always":
            message = f'Container image "{self._image}" already present on machine'
            self._runner.event("Normal", "Pulled", message, self._container)
            self._container.start()
            return
        self._runner.event("Normal", "Pulling", f'Pulling image "{self._image}"', self._container)
        self._container.later(self._runner.pull_seconds(), self._pulled)

    def _pulled(self) -> None:
        if MISSING_IMAGE in self._image:
            self._pull_failed()
            return
        self._runner.keep_image(self._image)
        took = f"{self._runner.pull_seconds():.3f}s"
        message = (
            f'Successfully pulled image "{self._image}" in {took} ({took} including waiting). '
            f"Image size: {IMAGE_BYTES} bytes."
        )
        self._runner.event("Normal", "Pulled", message, self._container)
        self._container.start()

    def _pull_failed(self) -> None:
        why = (
            f'failed to pull and unpack image "{self._image}": failed to resolve reference "{self._image}": '
            f"{self._image}: not found"
        )
        self._runner.event(
            "Warning", "Failed", f'Failed to pull image "{self._image}": {why}', self._container
        )
        self._runner.event("Warning", "Failed", "Error: ErrImagePull", self._container)
        self._container.wait("ErrImagePull", why)
        backoff = min(LONGEST_BACKOFF, FIRST_BACKOFF * 2**self._pulls)
        self._pulls += 1
        self._container.later(min(2.0, backoff), self._pull_backoff)
        self._container.later(backoff, self.begin)

    def _pull_backoff(self) -> None:
        message = f'Back-off pulling image "{self._image}"'
        self._runner.event("Normal", "BackOff", message, self._container)
        self._runner.event("Warning", "Failed", "Error: ImagePullBackOff", self._container)
        self._container.wait("ImagePullBackOff", message)
