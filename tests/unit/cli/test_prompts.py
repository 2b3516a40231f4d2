"""``langfuse-otel prompts`` against a local Langfuse: what it prints, and what its exit status tells a script."""

from __future__ import annotations

import io
import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from langfuse_otel.cli.main import main
from langfuse_otel.cli.prompts.outcome import Outcome, outcome_of, worst_of
from langfuse_otel.errors import AuthenticationError, LangfuseError, NotFoundError, ServerError, TimedOutError
from langfuse_otel.prompts import snapshot
from langfuse_otel.prompts.client import Prompts
from langfuse_otel.prompts.models import Selector
from langfuse_otel.server.run import LocalServer
from langfuse_otel.settings import load
from support.langfuse_api import LangfuseApi

CHAT = [{"role": "system", "content": "You help {{name}}"}, {"type": "placeholder", "name": "history"}]


class Ended:
    """What a command left: exit status, standard output, standard error."""

    def __init__(self, status: int, out: str, err: str) -> None:
        self.status, self.out, self.err = status, out, err

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Ended]


@pytest.fixture
def langfuse(local_server: LocalServer) -> LangfuseApi:
    return LangfuseApi(local_server.base_url, local_server.public_key, local_server.secret_key)


@pytest.fixture
def run(langfuse: LangfuseApi, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a job as its user would, with the local server's keys in the environment."""
    for name, value in langfuse.env.items():
        monkeypatch.setenv(name, value)

    def run(*arguments: str, stdin: str = "") -> Ended:
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        capsys.readouterr()
        status = main(["prompts", *arguments])
        out, err = capsys.readouterr()
        return Ended(status, out, err)

    return run


def publish(run: Run, name: str, text: str, *more: str) -> None:
    assert run("create", name, *more, stdin=text).status == 0


class TestCreate:
    def test_a_text_from_standard_input_with_all_that_belongs_to_it(self, run: Run) -> None:
        options = ["--label", "production", "--label", "eu", "--tag", "t", "--config", '{"n": 1}', "--message", "why"]
        made = run("create", "team/greet", *options, "--json", stdin="Hi {{name}}\n")
        assert made.status == 0
        assert {**made.json, "labels": sorted(made.json["labels"])} == {
            "name": "team/greet",
            "version": 1,
            "type": "text",
            "prompt": "Hi {{name}}",
            "config": {"n": 1},
            "labels": ["eu", "latest", "production"],
            "tags": ["t"],
            "commitMessage": "why",
        }

    def test_a_chat_from_a_file(self, run: Run, tmp_path: Path) -> None:
        file = tmp_path / "chat.json"
        file.write_text(json.dumps(CHAT))
        made = run("create", "chat", "--type", "chat", "--file", str(file))
        assert (made.status, made.out) == (0, "chat version 1 is stored, labels: latest\n")

    def test_what_get_prints_is_what_create_takes(self, run: Run, tmp_path: Path) -> None:
        publish(run, "text", "two\nlines\n\n", "--label", "production")
        printed = run("get", "text").out
        assert run("create", "text", "--if-changed", "--json", stdin=printed).json["version"] == 1
        run("create", "chat", "--type", "chat", "--label", "production", stdin=json.dumps(CHAT))
        printed = run("get", "chat").out
        assert run("create", "chat", "--type", "chat", "--if-changed", "--json", stdin=printed).json["version"] == 1

    def test_if_changed_stores_no_second_version_of_the_same_and_moves_the_labels(self, run: Run) -> None:
        again = ["create", "greet", "--if-changed", "--label"]
        assert run(*again, "staging", stdin="one").out.startswith("greet version 1 is stored")
        same = run(*again, "production", stdin="one")
        assert (same.status, same.out.partition(",")[0]) == (0, "greet version 1 is unchanged")
        assert run("get", "greet", "--label", "production", "--json").json["version"] == 1
        assert run(*again, "production", stdin="two").out.startswith("greet version 2 is stored")
        changed = run(*again, "production", "--config", '{"n": 1}', stdin="two")
        assert changed.out.startswith("greet version 3 is stored")

    @pytest.mark.parametrize(
        ("content", "said"),
        [("{", "is not JSON"), ("{}", "is not a list"), ('[{"role": "user"}]', "a chat message needs")],
    )
    def test_a_chat_that_is_none_is_refused_before_anything_is_sent(self, run: Run, content: str, said: str) -> None:
        ended = run("create", "chat", "--type", "chat", stdin=content)
        assert (ended.status, ended.out) == (Outcome.FAILED, "")
        assert said in ended.err
        assert run("get", "chat", "--label", "latest").status == Outcome.NOT_FOUND

    def test_a_file_that_is_not_there_or_no_text(self, run: Run, tmp_path: Path) -> None:
        missing = run("create", "p", "--file", str(tmp_path / "no.txt"))
        assert (missing.status, "no.txt: No such file" in missing.err) == (Outcome.FAILED, True)
        (tmp_path / "image.png").write_bytes(b"\xff\xfe\xfd")
        assert "is not UTF-8" in run("create", "p", "--file", str(tmp_path / "image.png")).err

    def test_what_the_server_refuses_is_said_in_its_words(self, run: Run) -> None:
        publish(run, "p", "text")
        refused = run("create", "p", "--type", "chat", stdin=json.dumps(CHAT))
        assert refused.status == Outcome.FAILED
        assert "HTTP 400" in refused.err


class TestLook:
    def test_list_has_names_types_versions_and_labels(self, run: Run) -> None:
        publish(run, "b", "one", "--label", "production", "--tag", "t")
        publish(run, "b", "two")
        run("create", "a", "--type", "chat", stdin=json.dumps(CHAT))
        listed = run("list")
        assert [line.split() for line in listed.out.splitlines()] == [
            ["a", "chat", "1", "version", "latest"],
            ["b", "text", "2", "versions", *listed.out.splitlines()[1].split()[4:]],
        ]
        assert {"production", "latest"} == {word.strip(",") for word in listed.out.splitlines()[1].split()[4:]}
        assert [one["name"] for one in run("list", "--json").json] == ["a", "b"]
        assert [one["name"] for one in run("list", "--label", "production", "--json").json] == ["b"]
        assert [one["name"] for one in run("list", "--tag", "t", "--json").json] == ["b"]

    def test_get_by_label_and_by_version(self, run: Run) -> None:
        publish(run, "p", "one", "--label", "production")
        publish(run, "p", "two")
        assert run("get", "p").out == "one\n"
        assert run("get", "p", "--label", "latest").out == "two\n"
        assert run("get", "p", "--version", "2").out == "two\n"

    def test_get_puts_included_prompts_in_place_unless_raw(self, run: Run) -> None:
        tag = "@@@langfusePrompt:name=leaf|label=production@@@"
        publish(run, "leaf", "LEAF", "--label", "production")
        publish(run, "root", f"<{tag}>", "--label", "production")
        assert run("get", "root").out == "<LEAF>\n"
        assert run("get", "root", "--raw").out == f"<{tag}>\n"

    def test_a_prompt_that_is_not_there_is_status_3(self, run: Run) -> None:
        publish(run, "p", "one")
        for arguments in (["nope"], ["p"], ["p", "--version", "9"]):
            ended = run("get", *arguments)
            assert (ended.status, ended.out) == (Outcome.NOT_FOUND, "")
            assert "HTTP 404" in ended.err

    def test_a_name_with_a_line_break_cannot_forge_a_line(self, run: Run) -> None:
        publish(run, "a\nb", "text")
        assert run("list").out.startswith("'a\\nb' ")


class TestDiff:
    def test_status_4_and_the_names_that_callers_have_to_give(self, run: Run) -> None:
        publish(run, "p", "Hi {{name}}", "--label", "production")
        publish(run, "p", "Hi {{first}}")
        ended = run("diff", "p", "production", "2")
        assert ended.status == Outcome.DIFFERENT
        assert "-Hi {{name}}\n+Hi {{first}}\n" in ended.out
        assert "have to be given now: first\nare not used any more: name\n" in ended.out
        told = run("diff", "p", "1", "latest", "--json").json
        assert (told["before"], told["after"], told["added"], told["removed"]) == ("p 1", "p 2", ["first"], ["name"])

    def test_status_0_and_nothing_when_they_say_the_same(self, run: Run) -> None:
        publish(run, "p", "one", "--label", "production")
        publish(run, "p", "one", "--label", "1")
        ended = run("diff", "p", "version:1", "label:1")
        assert (ended.status, ended.out) == (0, "")

    def test_a_number_is_a_version_unless_it_is_said_to_be_a_label(self, run: Run) -> None:
        publish(run, "p", "one")
        publish(run, "p", "two", "--label", "1")
        assert run("diff", "p", "1", "label:1").status == Outcome.DIFFERENT
        assert run("diff", "p", "2", "label:1").status == 0


class TestLabel:
    def test_labels_move(self, run: Run) -> None:
        publish(run, "p", "one", "--label", "production")
        publish(run, "p", "two")
        moved = run("label", "p", "2", "production", "eu", "--json").json
        assert {"production", "eu"} <= {*moved["labels"]}
        assert run("get", "p").out == "two\n"

    def test_a_version_that_is_not_there_is_status_3(self, run: Run) -> None:
        publish(run, "p", "one")
        assert run("label", "p", "7", "production").status == Outcome.NOT_FOUND


class TestFleet:
    def test_export_writes_a_snapshot_of_all_prompts_with_the_label(self, run: Run, tmp_path: Path) -> None:
        for number in range(12):
            publish(run, f"p{number}", f"text {number}", "--label", "production")
        publish(run, "draft", "not yet")
        file = tmp_path / "prompts.json"
        ended = run("export", "--output", str(file))
        assert (ended.status, ended.out) == (0, f"12 prompts are in {file}\n")
        assert ended.err.splitlines()[-1] == "langfuse-otel prompts: export 12/12"
        kept = snapshot.load(file)
        found = kept.get(Selector("p7"))
        assert found is not None
        assert (len(kept), found.prompt) == (12, "text 7")

    def test_export_of_several_labels_and_of_named_prompts(
        self, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("LANGFUSE_PROMPT_SNAPSHOT", str(tmp_path / "s.json"))
        publish(run, "p", "one", "--label", "production")
        publish(run, "p", "two", "--label", "eu")
        publish(run, "q", "other", "--label", "production")
        told = run("export", "--label", "production", "--label", "eu", "--json").json
        assert told == {"path": str(tmp_path / "s.json"), "prompts": 3}
        assert run("export", "q", "--json").json["prompts"] == 1

    def test_export_that_misses_a_named_prompt_leaves_the_file_as_it_was(self, run: Run, tmp_path: Path) -> None:
        publish(run, "p", "one", "--label", "production")
        file = tmp_path / "prompts.json"
        file.write_text("older")
        ended = run("export", "p", "nope", "--output", str(file), "--json")
        assert ended.status == Outcome.NOT_FOUND
        assert ended.json["failed"]["prompt 'nope' with label 'production'"]["code"] == "not_found"
        assert "1 failed" in ended.err
        assert file.read_text() == "older"

    def test_export_into_a_folder_that_is_not_there(self, run: Run, tmp_path: Path) -> None:
        publish(run, "p", "one", "--label", "production")
        ended = run("export", "--output", str(tmp_path / "no" / "prompts.json"))
        assert ended.status == Outcome.FAILED
        assert "No such file or directory" in ended.err

    def test_warm_reads_what_is_named_or_set(self, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        publish(run, "p", "one", "--label", "production")
        publish(run, "q", "two", "--label", "production")
        assert run("warm", "p").out == "1 prompts are warm\n"
        monkeypatch.setenv("LANGFUSE_PROMPTS_TO_WARM", "p, q")
        assert run("warm", "--json").json == {"warm": ["p", "q"]}
        missing = run("warm", "p", "nope")
        assert missing.status == Outcome.NOT_FOUND
        assert "nope: " in missing.err

    def test_what_is_warm_is_read_from_the_shared_cache_until_it_is_invalidated(
        self, run: Run, langfuse: LangfuseApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def source() -> str:
            """Where another process would get it from now."""
            with closing(Prompts.from_settings(load())) as process:
                return process.get_detail("p").source

        publish(run, "p", "one", "--label", "production")
        monkeypatch.setenv("LANGFUSE_PROMPT_CACHE_DIRECTORY", str(tmp_path / "cache"))
        assert run("warm", "p").err == "langfuse-otel prompts: warm 1/1\n"
        assert source() == "disk"
        assert run("invalidate", "p").status == 0
        assert source() == "network"

    @pytest.mark.parametrize("job", ["warm", "invalidate"])
    def test_it_says_when_no_cache_is_shared(self, run: Run, job: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("LANGFUSE_PROMPT_CACHE_DIRECTORY", "none")
        publish(run, "p", "one", "--label", "production")
        ended = run(job, "p")
        assert (ended.status, "LANGFUSE_PROMPT_CACHE_DIRECTORY" in ended.err) == (0, True)

    def test_a_change_made_here_is_forgotten_by_the_others(
        self, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("LANGFUSE_PROMPT_CACHE_DIRECTORY", str(tmp_path / "cache"))
        publish(run, "p", "one", "--label", "production")
        run("warm", "p")
        publish(run, "p", "two")
        run("warm", "p")
        run("label", "p", "2", "production")
        with closing(Prompts.from_settings(load())) as process:
            assert process.get("p").prompt == "two"

    def test_neither_a_missing_snapshot_nor_prompts_to_warm_stand_in_the_way(
        self, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("LANGFUSE_PROMPT_SNAPSHOT", str(tmp_path / "none.json"))
        monkeypatch.setenv("LANGFUSE_PROMPTS_TO_WARM", "nope")
        monkeypatch.setenv("LANGFUSE_PROMPT_REQUIRE_FALLBACK", "true")
        publish(run, "p", "one", "--label", "production")
        assert run("get", "p").out == "one\n"
        assert run("warm", "p").status == 0

    def test_invalidate_takes_several(self, run: Run) -> None:
        assert run("invalidate", "p", "q").out == "2 prompts are forgotten\n"
        assert run("invalidate", "..").status == Outcome.FAILED

    @pytest.mark.parametrize(("job", "said"), [("export", "LANGFUSE_PROMPT_SNAPSHOT"), ("warm", "PROMPTS_TO_WARM")])
    def test_what_it_needs_to_know_it_asks_for(self, run: Run, job: str, said: str) -> None:
        ended = run(job)
        assert (ended.status, said in ended.err) == (Outcome.FAILED, True)


class TestStatus:
    @pytest.mark.parametrize(
        ("error", "outcome"),
        [
            (NotFoundError("x", status=404), Outcome.NOT_FOUND),
            (AuthenticationError("x", status=401), Outcome.FAILED),
            (ServerError("x", status=503), Outcome.UNAVAILABLE),
            (TimedOutError("x"), Outcome.UNAVAILABLE),
        ],
    )
    def test_an_error_says_whether_another_try_can_help(self, error: LangfuseError, outcome: Outcome) -> None:
        assert outcome_of(error) is outcome

    def test_of_several_errors_that_which_no_repetition_mends_counts(self) -> None:
        gone, busy, refused = NotFoundError("x", status=404), TimedOutError("x"), AuthenticationError("x", status=401)
        assert worst_of([busy, gone]) is Outcome.NOT_FOUND
        assert worst_of([busy, gone, refused]) is Outcome.FAILED
        assert worst_of([busy]) is Outcome.UNAVAILABLE
        assert worst_of([]) is Outcome.DONE

    def test_no_keys(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["prompts", "list"]) == Outcome.FAILED
        assert "LANGFUSE_PUBLIC_KEY: is not set" in capsys.readouterr().err

    def test_nobody_at_the_address(self, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("LANGFUSE_BASE_URL", "http://127.0.0.1:1")
        assert run("list").status == Outcome.UNAVAILABLE

    @pytest.mark.parametrize(
        "arguments", [[], ["dance"], ["get"], ["get", "p", "--version", "x"], ["create", "p", "--config", "{"]]
    )
    def test_a_wrong_command_line(self, arguments: Sequence[str]) -> None:
        with pytest.raises(SystemExit) as raised:
            main(["prompts", *arguments])
        assert raised.value.code == Outcome.WRONG_COMMAND_LINE

    def test_help_explains_every_status(self, capsys: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(SystemExit):
            main(["prompts", "--help"])
        shown = capsys.readouterr().out
        assert all(f"  {outcome.value}  {outcome.__doc__}" in shown for outcome in Outcome)


def test_as_a_program_on_a_terminal_its_progress_is_one_line(langfuse: LangfuseApi, run: Run, tmp_path: Path) -> None:
    for number in range(3):
        publish(run, f"p{number}", "text", "--label", "production")
    command = [sys.executable, "-m", "langfuse_otel", "prompts", "export", "--output", "prompts.json"]
    terminal, its_end = pty.openpty()
    ended = subprocess.run(
        command, env={**os.environ, **langfuse.env}, cwd=tmp_path, stdout=subprocess.PIPE, stderr=its_end, timeout=60
    )
    os.close(its_end)
    shown = os.read(terminal, 10_000).decode()
    os.close(terminal)
    assert (ended.returncode, ended.stdout) == (0, b"3 prompts are in prompts.json\n")
    assert shown.count("\n") == 1
    assert "\r\x1b[Kexport 2/3 p1" in shown
    assert len(snapshot.load(tmp_path / "prompts.json")) == 3
