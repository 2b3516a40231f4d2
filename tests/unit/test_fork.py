"""Registered objects hear of a fork, and are not kept alive by it."""

from __future__ import annotations

import gc
import os
import weakref

from langfuse_otel import fork


class Owner:
    def __init__(self) -> None:
        self.heard: list[str] = []

    def before_fork(self) -> None:
        self.heard.append("before")

    def after_fork_parent(self) -> None:
        self.heard.append("parent")

    def after_fork_child(self) -> None:
        self.heard.append("child")


class Broken:
    def before_fork(self) -> None:
        raise RuntimeError("no")


def test_parent_and_child_are_told_even_when_one_owner_fails() -> None:
    owner, broken = Owner(), Broken()
    fork.register(broken)
    fork.register(owner)
    pid = os.fork()
    if pid == 0:
        os._exit(0 if owner.heard == ["before", "child"] else 1)
    assert os.waitpid(pid, 0)[1] == 0
    assert owner.heard == ["before", "parent"]


def test_a_registered_object_can_be_collected() -> None:
    owner = Owner()
    gone = weakref.ref(owner)
    fork.register(owner)
    del owner
    gc.collect()
    assert gone() is None
