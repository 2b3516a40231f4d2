"""The pages as a browser gets them, without their script."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from starlette.testclient import TestClient

from langfuse_otel.server.pages import routes
from langfuse_otel.server.pages.templating import MAX_TEXT_CHARS
from langfuse_otel.server.records import Observation, Prompt, Score
from langfuse_otel.server.store import Store

Put = Callable[..., None]
HOSTILE = "<script>alert(1)</script>\"'&/../?#%\u202e{{ x }}"


def observation(key: str, trace: str = "t", **fields: Any) -> Observation:
    return Observation(trace_id=trace, id=key, start_ms=fields.pop("start_ms", 1_000), end_ms=2_000, **fields)


def prompt(version: int, prompt: Any = "Hi {{name}}", name: str = "a/b", **fields: Any) -> Prompt:
    given = {"type": "text", "config": {}, "labels": [], "tags": [], "commit_message": None, **fields}
    return Prompt(id=f"{name}{version}", name=name, version=version, prompt=prompt, created_ms=0, updated_ms=0, **given)


def score(**fields: Any) -> Score:
    given = {"value": None, "string_value": None, "data_type": "NUMERIC", "observation_id": None, "comment": None}
    return Score(
        id="s", source="API", timestamp_ms=0, environment="default", trace_id="t", session_id=None, config_id=None,
        metadata={}, created_ms=0, updated_ms=0, **{**given, **fields},
    )  # fmt: skip


def shown(pages: TestClient, path: str) -> str:
    """The source of a page that is there."""
    response = pages.get(f"/project/local/{path}")
    assert response.status_code == 200
    return response.text


def text_of(source: str) -> str:
    """What a reader sees, on one line."""
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", source)))


def listed(source: str) -> list[str]:
    return re.findall(r'data-trace-id="([^"]*)"', source)


def tag(source: str, testid: str) -> str:
    """The text of the first element with a test id."""
    found = re.search(rf'<(\w+)[^>]*data-testid="{testid}"[^>]*>(.*?)</\1>', source, re.DOTALL)
    assert found, testid
    return text_of(found[2]).strip()


@pytest.mark.parametrize("path", ["/", "/project/local"])
def test_the_home_is_the_list_of_traces(pages: TestClient, path: str) -> None:
    response = pages.get(path, follow_redirects=False)
    assert response.is_redirect
    assert response.headers["location"] == "/project/local/traces"


@pytest.mark.parametrize(
    "path",
    [
        "/nowhere",
        "/static/none.css",
        "/project/other/traces",
        "/project/other/sessions",
        "/project/other/prompts",
        "/project/local/traces/none",
        "/project/local/sessions/none",
        "/project/local/prompts/none",
        "/project/local/traces/%ED%A0%80",
        "/project/local/traces/",
    ],
)
def test_what_is_not_there_is_a_page_that_says_so(pages: TestClient, path: str) -> None:
    response = pages.get(path)
    assert response.status_code == 404
    assert "<h1>Not found</h1>" in response.text
    assert response.headers["content-type"].startswith("text/html")


def test_another_method_is_refused_with_the_ones_that_are_allowed(pages: TestClient) -> None:
    response = pages.post("/project/local/traces")
    assert response.status_code == 405
    assert "GET" in response.headers["allow"]


def test_sheet_and_script_are_served(pages: TestClient) -> None:
    assert pages.get("/static/style.css").headers["content-type"].startswith("text/css")
    assert "javascript" in pages.get("/static/pages.js").headers["content-type"]


def test_an_empty_list_says_how_to_send_the_first_trace(pages: TestClient) -> None:
    source = shown(pages, "traces")
    assert "export LANGFUSE_BASE_URL=http://testserver\n" in source
    assert re.search(r"export LANGFUSE_PUBLIC_KEY=pk-lf-[\w-]+", source)
    assert re.search(r"<details.*export LANGFUSE_SECRET_KEY=sk-lf-[\w-]+.*</details>", source, re.DOTALL)


def test_the_keys_are_shown_only_while_there_is_nothing_else(pages: TestClient, put: Put) -> None:
    put(observation("o"))
    for path in ("traces", "traces?userId=nobody", "traces?page=9", "traces/t", "sessions", "prompts"):
        assert "sk-lf-" not in shown(pages, path)


def test_a_row_says_what_matters_of_a_trace(pages: TestClient, put: Put) -> None:
    put(
        observation(
            "o", name="ask", user_id="ada", session_id="chat", tags=["beta"], level="ERROR",
            usage={"total": 1234}, cost={"total": 0.0123},
        )
    )  # fmt: skip
    text = text_of(shown(pages, "traces"))
    assert "ask ada chat beta 1.00 s 1,234 $0.0123 1" in text
    assert "1 with errors" in shown(pages, "traces")


def test_traces_are_newest_first_in_pages_of_50(pages: TestClient, put: Put) -> None:
    for number in range(60):
        put(observation("o", f"t{number:02}", start_ms=number * 1_000))
    first = shown(pages, "traces?tags=&x=1")
    assert listed(first) == [f"t{number:02}" for number in range(59, 9, -1)]
    older = html.unescape(re.search(r'rel="next" href="([^"]*)"', first)[1])  # type: ignore[index]
    second = pages.get(older).text
    assert listed(second) == [f"t{number:02}" for number in range(9, -1, -1)]
    assert 'rel="prev"' in second and 'rel="next"' not in second


@pytest.mark.parametrize("page", ["0", "-1", "x", "", "²", "9" * 400])
def test_a_page_that_makes_no_sense_is_the_first(pages: TestClient, put: Put, page: str) -> None:
    put(observation("o"))
    assert pages.get("/project/local/traces", params={"page": page}).status_code == 200


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("userId=ada", ["a"]),
        ("userId=ada&userId=", ["b", "a"]),
        ("sessionId=s%2F2", ["b"]),
        ("name=ask", ["a"]),
        ("environment=prod", ["b"]),
        ("tags=x", ["b", "a"]),
        ("tags=x&tags=y", ["a"]),
        ("search=AS", ["a"]),
        ("search=b", ["b"]),
        ("search=%25", []),
        ("userId=ada&environment=prod", []),
    ],
)
def test_the_list_is_filtered_by_the_query(pages: TestClient, put: Put, query: str, found: list[str]) -> None:
    put(observation("o", "a", start_ms=1, user_id="ada", session_id="s1", name="ask", tags=["x", "y"]))
    put(observation("o", "b", start_ms=2, session_id="s/2", name="tell", tags=["x"], environment="prod"))
    assert listed(shown(pages, f"traces?{query}")) == found


def test_a_filter_can_be_taken_away_alone(pages: TestClient, put: Put) -> None:
    put(observation("o", user_id="a&b", tags=["x"]))
    source = shown(pages, "traces?userId=a%26b&tags=x&page=3")
    assert 'href="/project/local/traces?userId=a%26b" aria-label="Remove filter tag x"' in source
    assert 'href="/project/local/traces?tags=x" aria-label="Remove filter user a&amp;b"' in source


def test_a_search_keeps_the_other_filters(pages: TestClient, put: Put) -> None:
    put(observation("o", user_id="ada"))
    assert '<input type="hidden" name="userId" value="ada">' in shown(pages, "traces?userId=ada&search=x")


def test_a_trace_says_whose_it_is_and_links_to_more_of_the_same(pages: TestClient, put: Put) -> None:
    fields = {"user_id": "a b", "session_id": "c/7", "tags": ["x"], "environment": "prod", "release": "r1"}
    put(observation("o", name="ask", version="v9", **fields))
    put(score(name="helpful", value=0.9))
    source = shown(pages, "traces/t")
    assert "<title>ask · Local project</title>" in source
    for link in ("traces?userId=a+b", "sessions/c%2F7", "traces?tags=x", "traces?environment=prod"):
        assert f'href="/project/local/{link}"' in source
    for fact in ("Release r1", "Version v9", "helpful 0.9"):
        assert fact in text_of(source)


def test_the_tree_has_a_row_for_each_observation(pages: TestClient, put: Put) -> None:
    put(observation("root", name="agent", type="AGENT"))
    put(observation("child", name="step", type="TOOL", parent_id="root", level="ERROR"))
    put(observation("lost", name="orphan", parent_id="gone"))
    source = shown(pages, "traces/t")
    rows = re.findall(r"<a role=\"treeitem\".*?</a>", source, re.DOTALL)
    names = [re.search(r'data-name="(\w+)" data-type="(\w+)"', row).groups() for row in rows]  # type: ignore[union-attr]
    assert names == [("agent", "AGENT"), ("step", "TOOL"), ("orphan", "SPAN")]
    assert 'aria-level="2"' in rows[1] and " error" in rows[1] and 'href="#obs-child"' in rows[1]
    assert "parent missing" in rows[2]


def test_a_generation_shows_model_usage_cost_prompt_and_messages(pages: TestClient, put: Put) -> None:
    put(
        observation(
            "o", type="GENERATION", model="gpt-4o-mini", model_parameters={"temperature": 0.2},
            completion_start_ms=1_250, usage={"input": 1200, "output": 5, "total": 1205},
            cost={"input": 0.01, "total": 0.01}, prompt_name="a/b", prompt_version=3,
            input=json.dumps([{"role": "system", "content": "Be kind"}, {"role": "user", "content": "Hi"}]),
            output=json.dumps({"role": "assistant", "content": "Hello"}), metadata={"plan": "pro"},
        )
    )  # fmt: skip
    source = shown(pages, "traces/t")
    pane = source[source.index('id="obs-o"') :]
    assert tag(pane, "observation-model") == "gpt-4o-mini"
    assert tag(pane, "observation-cost") == "$0.01"
    assert tag(pane, "observation-usage").endswith("total 1,205 $0.01")
    assert tag(pane, "observation-prompt") == "a/b v3"
    assert 'href="/project/local/prompts/a%2Fb?version=3"' in pane
    assert re.findall(r'data-testid="message" data-role="(\w+)"', pane) == ["system", "user", "assistant"]
    for fact in ("First token after 250 ms", "temperature 0.2", "plan pro"):
        assert fact in text_of(pane)


def test_the_observation_of_the_query_is_selected(pages: TestClient, put: Put) -> None:
    put(observation("a"))
    put(observation("b", parent_id="a"))
    assert 'data-selected="b"' in shown(pages, "traces/t?observation=b")
    assert 'data-selected="a"' in shown(pages, "traces/t?observation=none")


def test_a_large_trace_has_the_selected_observation_only(
    pages: TestClient, put: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(routes, "MAX_DETAIL_CHARS", 5_000)
    put(observation("a"))
    put(observation("b", parent_id="a"))
    source = shown(pages, "traces/t?observation=b")
    assert re.findall(r'data-observation="(\w+)"', source) == ["b"]
    assert 'href="/project/local/traces/t?observation=a#obs-a"' in source


def test_a_tree_with_too_many_rows_is_cut_and_says_so(
    pages: TestClient, put: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(routes, "MAX_ROWS", 2)
    for key in "abc":
        put(observation(key))
    source = shown(pages, "traces/t")
    assert source.count('data-testid="observation-row"') == 2
    assert "Only the first 2 are shown." in source


def test_a_trace_without_observations_is_shown(pages: TestClient, put: Put) -> None:
    put("traces", id="t", timestamp_ms=5, name="made by an event", input="question", created_ms=0, updated_ms=0)
    assert "No observations" in text_of(shown(pages, "traces/t"))
    assert "question" in shown(pages, "traces/t")


def test_a_long_text_is_folded_and_a_huge_one_cut(pages: TestClient, put: Put) -> None:
    put(observation("o", input="x" * 5_000, output="y" * (MAX_TEXT_CHARS + 7)))
    text = text_of(shown(pages, "traces/t"))
    assert "Show all (5,000 characters)" in text
    assert "The last 7 characters are not shown here" in text
    assert "y" * MAX_TEXT_CHARS in text and "y" * (MAX_TEXT_CHARS + 1) not in text


@pytest.mark.parametrize(
    "content",
    [
        HOSTILE,
        json.dumps([{"role": HOSTILE, "content": HOSTILE, "tool_calls": [{"function": {"name": HOSTILE}}]}]),
        json.dumps({"messages": [{"role": "user", "content": HOSTILE}], "tools": [{"name": HOSTILE}], HOSTILE: 1}),
        '[{"role": "user", "content": "half \\ud83d"}]',
        '{"\\ud800": "\\udfff", "a": NaN}',
        "[" * 900 + "]" * 900,
        "[" * 50_000,
        "\x00\x1b[31m\ufffe",
    ],
)
def test_any_content_is_shown_and_none_is_markup(pages: TestClient, put: Put, content: str) -> None:
    fields: dict[str, Any] = dict.fromkeys(("name", "user_id", "session_id", "environment", "model"), HOSTILE)
    put(
        observation(
            HOSTILE, HOSTILE, type=HOSTILE, level=HOSTILE, status_message=HOSTILE, tags=[HOSTILE], input=content,
            output=content, metadata={HOSTILE: content}, usage={HOSTILE: 1}, prompt_name=HOSTILE, prompt_version=1,
            model_parameters={HOSTILE: HOSTILE}, **fields,
        )
    )  # fmt: skip
    put(prompt(1, [{"role": HOSTILE, "content": content}], name=HOSTILE, tags=[HOSTILE], labels=[HOSTILE]))
    for path in ("traces", "sessions", "prompts"):
        source = shown(pages, path)
        link = re.search(r'class="row-link" href="([^"]*)"', source)
        assert link
        detail = pages.get(html.unescape(link[1]))
        assert detail.status_code == 200
        for page in (source, detail.text):
            assert "<script>" not in page
            assert "&lt;script&gt;" in page


def test_sessions_are_listed_with_their_users(pages: TestClient, put: Put) -> None:
    put(observation("o", "t1", session_id="chat/7", user_id="ada"))
    put(observation("o", "t2", session_id="chat/7", user_id="grace"))
    source = shown(pages, "sessions")
    assert 'href="/project/local/sessions/chat%2F7"' in source
    assert re.search(r"chat/7 ada , grace default 2", text_of(source))


def test_a_session_is_the_conversation_in_order_of_time(pages: TestClient, put: Put) -> None:
    said = [{"role": "user", "content": "First?"}, {"role": "assistant", "content": "Yes."}]
    put(
        observation(
            "o", "t2", start_ms=9_000, session_id="s", input=json.dumps([*said, {"role": "user", "content": "Then?"}])
        )
    )
    put(observation("o", "t1", start_ms=1_000, session_id="s", input="First?", output="Yes."))
    source = shown(pages, "sessions/s")
    assert listed(source) == ["t1", "t2"]
    assert re.findall(r'data-testid="message" data-role="(\w+)"', source) == [
        "user",
        "assistant",
        "user",
        "assistant",
        "user",
    ]
    assert "2 earlier messages" in source


def test_prompts_are_listed_with_newest_version_labels_and_use(pages: TestClient, put: Put) -> None:
    put(prompt(1, labels=["production"]))
    put(prompt(2, labels=["latest"], tags=["x"]))
    put(observation("o", type="GENERATION", prompt_name="a/b", prompt_version=1))
    assert "a/b text 2 latest v2 production v1 x 1" in text_of(shown(pages, "prompts"))


def test_a_prompt_shows_its_newest_version_with_variables_set_apart(pages: TestClient, put: Put) -> None:
    put(prompt(1))
    put(
        prompt(
            2, [{"role": "system", "content": "Be {{mood}}"}, {"type": "placeholder", "name": "history"}], type="chat"
        )
    )
    source = shown(pages, "prompts/a%2Fb")
    assert "<title>a/b v2 · Local project</title>" in source
    assert '<mark class="variable">{{mood}}</mark>' in source
    assert '<mark class="variable">history</mark>' in source
    assert "v1" in text_of(source)


def test_an_older_version_can_be_asked_for_with_what_used_it(pages: TestClient, put: Put) -> None:
    put(prompt(1, config={"temperature": 0.2}))
    put(prompt(2))
    put(observation("o", type="GENERATION", prompt_name="a/b", prompt_version=1))
    source = shown(pages, "prompts/a%2Fb?version=1")
    assert "Hi <mark" in source and "temperature" in source
    assert 'href="/project/local/traces/t?observation=o"' in source
    assert pages.get("/project/local/prompts/a%2Fb?version=9").status_code == 404


def test_no_page_needs_what_the_content_security_policy_forbids(pages: TestClient, put: Put, store: Store) -> None:
    put(observation("o", session_id="s", input="[]"))
    put(prompt(1))
    for path in ("traces", "traces/t", "sessions", "sessions/s", "prompts", "prompts/a%2Fb"):
        source = shown(pages, path)
        assert not re.search(
            r'<[^>]* (style|on\w+)="|<style|<script(?! src="/static/pages.js" defer></script>)', source
        )
        assert re.findall(r'(?:src|<link[^>]* href)="(?!/static/|data:)', source) == []
