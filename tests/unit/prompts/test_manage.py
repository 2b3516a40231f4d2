"""Changing prompts, against a local Langfuse; and from asyncio, by the same code."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator

import pytest

from langfuse_otel.errors import InvalidRequestError, LangfuseError, NotFoundError
from langfuse_otel.http import HttpClient
from langfuse_otel.prompts.api import PromptApi
from langfuse_otel.prompts.manage import PromptManager
from langfuse_otel.prompts.models import ChatMessage, ChatPrompt, Placeholder, TextPrompt
from langfuse_otel.server.run import LocalServer
from support.loopback import reply
from support.prompt_server import PromptServer

CHAT = [{"role": "system", "content": "You help"}, {"type": "placeholder", "name": "history"}]


class Forgotten(list[str]):
    """The names that were to be invalidated."""


@pytest.fixture
def forgotten() -> Forgotten:
    return Forgotten()


@pytest.fixture
def manager(local_server: LocalServer, forgotten: Forgotten) -> PromptManager:
    http = HttpClient(local_server.base_url, local_server.public_key, local_server.secret_key)
    return PromptManager(PromptApi(http), invalidate=forgotten.append)


class TestCreate:
    def test_a_text_and_a_chat(self, manager: PromptManager) -> None:
        text = manager.create("t", "Hi", labels=["production"], tags=["x"], config={"n": 1}, commit_message="first")
        assert isinstance(text, TextPrompt)
        assert (text.version, text.config, text.tags, text.commit_message) == (1, {"n": 1}, ("x",), "first")
        chat = manager.create("c", CHAT)
        assert isinstance(chat, ChatPrompt)
        assert chat.prompt == (ChatMessage("system", "You help"), Placeholder("history"))

    def test_what_is_no_prompt_is_refused_before_anything_is_sent(
        self, manager: PromptManager, forgotten: Forgotten
    ) -> None:
        for name, content in (("..", "x"), ("p", [{"role": "user"}]), ("p", ["text"])):
            with pytest.raises(InvalidRequestError):
                manager.create(name, content)
        assert forgotten == []


class TestLabels:
    def test_they_move_from_version_to_version(self, manager: PromptManager) -> None:
        manager.create("p", "one", labels=["production"])
        manager.create("p", "two")
        assert "production" in manager.update_labels("p", 2, ["production"]).labels
        assert manager.source("p").version == 2

    def test_of_a_version_that_is_not_there(self, manager: PromptManager) -> None:
        with pytest.raises(NotFoundError):
            manager.update_labels("p", 1, ["production"])


class TestDelete:
    def test_one_version_by_number_or_label_or_all(self, manager: PromptManager) -> None:
        for content, label in (("one", "a"), ("two", "b"), ("three", "c")):
            manager.create("folder/p", content, labels=[label])
        manager.delete("folder/p", version=1)
        manager.delete("folder/p", label="b")
        assert [one.version for one in manager.versions("folder/p")] == [3]
        manager.delete("folder/p")
        assert [*manager.list()] == []

    def test_what_is_not_there(self, manager: PromptManager) -> None:
        with pytest.raises(NotFoundError):
            manager.delete("p")

    def test_what_another_prompt_includes(self, manager: PromptManager) -> None:
        manager.create("leaf", "L", labels=["production"])
        manager.create("root", "@@@langfusePrompt:name=leaf|label=production@@@")
        with pytest.raises(InvalidRequestError):
            manager.delete("leaf")
        assert manager.source("leaf").prompt == "L"

    def test_a_version_and_a_label_together_are_refused_here(self, manager: PromptManager) -> None:
        with pytest.raises(InvalidRequestError, match="not both"):
            manager.delete("p", version=1, label="a")


class TestReading:
    def test_versions_newest_first_with_their_labels(self, manager: PromptManager) -> None:
        for content in ("one", "two"):
            manager.create("p", content, labels=["production"], commit_message=f"made {content}")
        manager.create("p2", "other")
        told = [
            (one.version, one.prompt, "production" in one.labels, one.commit_message) for one in manager.versions("p")
        ]
        assert told == [(2, "two", True, "made two"), (1, "one", False, "made one")]

    def test_versions_of_what_is_not_there(self, manager: PromptManager) -> None:
        manager.create("p2", "other")
        with pytest.raises(NotFoundError):
            next(manager.versions("p"))

    def test_a_version_is_read_when_it_is_reached_and_one_deleted_meanwhile_is_passed_over(
        self, manager: PromptManager
    ) -> None:
        for content in ("one", "two", "three"):
            manager.create("p", content)
        versions = manager.versions("p")
        assert next(versions).version == 3
        manager.delete("p", version=2)
        assert [one.version for one in versions] == [1]

    def test_the_source_has_its_tags_and_list_its_filters(self, manager: PromptManager) -> None:
        manager.create("leaf", "L", labels=["production"], tags=["t"])
        tag = "@@@langfusePrompt:name=leaf|label=production@@@"
        manager.create("root", tag, labels=["production"])
        assert manager.source("root").prompt == tag
        assert [one.name for one in manager.list(tag="t")] == ["leaf"]
        assert [one.name for one in manager.list(name="root", label="production")] == ["root"]


class TestForgetting:
    def test_each_change_and_no_look_makes_the_cache_forget(self, manager: PromptManager, forgotten: Forgotten) -> None:
        manager.create("p", "one", labels=["production"])
        manager.update_labels("p", 1, ["eu"])
        manager.source("p")
        [*manager.list(), *manager.versions("p")]
        manager.delete("p")
        assert forgotten == ["p"] * 3

    def test_so_does_a_change_that_was_not_answered_as_it_may_have_been_made(self, server: PromptServer) -> None:
        forgotten = Forgotten()
        manager = PromptManager(PromptApi(HttpClient(server.url, "pk-lf-1", "sk-lf-1")), invalidate=forgotten.append)
        server.trouble = reply(503)
        for change in (
            lambda: manager.create("a", "x"),
            lambda: manager.update_labels("b", 1, ["l"]),
            lambda: manager.delete("c"),
        ):
            with pytest.raises(LangfuseError):
                change()
        assert forgotten == ["a", "b", "c"]
        assert [request.method for request in server.requests] == ["POST", "PATCH", "DELETE"]


class TestAsyncio:
    def test_everything_has_a_twin(self, manager: PromptManager) -> None:
        async def use() -> None:
            await manager.acreate("p", "one", labels=["production"])
            await manager.acreate("p", "two")
            await manager.aupdate_labels("p", 2, ["production"])
            assert (await manager.asource("p")).prompt == "two"
            assert [one.name async for one in manager.alist()] == ["p"]
            assert [one.version async for one in manager.aversions("p")] == [2, 1]
            await manager.adelete("p")
            with pytest.raises(NotFoundError):
                await manager.asource("p")

        asyncio.run(use())
        public = [name for name, _ in inspect.getmembers(manager, inspect.ismethod) if not name.startswith("_")]
        assert [name for name in public if name[0] != "a" and f"a{name}" not in public] == []

    def test_the_loop_runs_on_while_the_server_thinks(self, server: PromptServer) -> None:
        manager = PromptManager(PromptApi(HttpClient(server.url, "pk-lf-1", "sk-lf-1")), invalidate=Forgotten().append)
        server.publish("p", "one")
        server.open.clear()

        async def use() -> str:
            reading = asyncio.ensure_future(manager.asource("p"))
            while not server.requests:
                await asyncio.sleep(0.001)
            assert not reading.done()
            server.open.set()
            return str((await reading).prompt)

        assert asyncio.run(use()) == "one"

    def test_pages_are_read_as_far_as_the_caller_reads(self, server: PromptServer) -> None:
        manager = PromptManager(PromptApi(HttpClient(server.url, "pk-lf-1", "sk-lf-1")), invalidate=Forgotten().append)
        for number in range(150):
            server.publish(f"p{number:03}", "x")

        async def use() -> None:
            listing = manager.alist()
            assert isinstance(listing, AsyncIterator)
            assert (await listing.__anext__()).name == "p000"
            assert len(server.requests) == 1
            assert len([one async for one in listing]) == 149
            assert len(server.requests) == 2

        asyncio.run(use())

    def test_a_twin_says_so(self) -> None:
        assert PromptManager.acreate.__name__ == "acreate"
        assert PromptManager.acreate.__doc__ == "``create`` for asyncio: the event loop runs on."
