"""Namespaces: what each is given at its birth, and how it is emptied before it goes."""

from __future__ import annotations

from collections.abc import Hashable
from typing import cast

from devcluster.controllers.base import Controller
from devcluster.errors import ApiError, NotFound
from devcluster.objects import Json, Key, is_terminating, key_of, spec_of, with_spec
from devcluster.resources import REGISTRY, resource

NAMESPACES = resource("namespaces")
ACCOUNTS = resource("serviceaccounts")
CONFIGMAPS = resource("configmaps")
CONTENTS = tuple(kind for kind in REGISTRY if kind.namespaced and kind.stored)
LOOK_AGAIN = 1.0


class NamespaceController(Controller):
    name = "namespace"

    def start(self) -> None:
        self.namespaces = self.watch(NAMESPACES, self.enqueue)
        for key in self.namespaces.names():
            self.queue.add(key)

    def sync(self, key: Hashable) -> None:
        namespace = self.live(NAMESPACES, cast(Key, key))
        if namespace is None:
            return
        if is_terminating(namespace):
            self._empty(namespace)
        else:
            self._furnish(key_of(namespace)[1])

    def _furnish(self, name: str) -> None:
        for kind, own, content in (
            (ACCOUNTS, "default", {}),
            (CONFIGMAPS, "kube-root-ca.crt", {"data": {"ca.crt": ""}}),
        ):
            if self.store.find(kind, name, own) is None:
                self.store.create(kind, {"metadata": {"name": own, "namespace": name}, **content})

    def _empty(self, namespace: Json) -> None:
        """Delete what is in it, again and again, until nothing is left; then let it go."""
        name = key_of(namespace)[1]
        left = 0
        for kind in CONTENTS:
            for obj in self.store.list(kind, name):
                left += 1
                if not is_terminating(obj):
                    self._remove(kind.plural, obj)
        if left:
            self.queue.add_after(("", name), LOOK_AGAIN)
        elif spec_of(namespace).get("finalizers"):
            self.store.update(NAMESPACES, with_spec(namespace, finalizers=[]), subresource="all")

    def _remove(self, plural: str, obj: Json) -> None:
        kind = next(entry for entry in CONTENTS if entry.plural == plural)
        try:
            self.delete(kind, obj)
        except NotFound:
            return
        except ApiError as error:
            self.errors[key_of(obj)] = error.message
