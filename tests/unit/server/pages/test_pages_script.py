"""What the script adds to a trace's page, in a real browser behind the real guard."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from langfuse_otel.server.run import LocalServer
from langfuse_otel.server.store import Store, upsert

pytestmark = pytest.mark.browser
TREE = {"root": None, "a": "root", "a1": "a", "b <&>'\"%": "root"}


@pytest.fixture(scope="module")
def page(chromium: str) -> Iterator[Page]:
    with LocalServer() as server, sync_playwright() as playwright:
        store = Store(server.database)
        with store.write() as connection:
            for start_ms, (key, parent) in enumerate(TREE.items()):
                columns = {"trace_id": "t", "id": key, "parent_id": parent, "start_ms": start_ms, "name": key}
                upsert(connection, "observations", ("trace_id", "id"), {**columns, "created_ms": 0, "updated_ms": 0})
        store.close()
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(base_url=server.base_url)
        yield page
        browser.close()


@pytest.fixture
def trace(page: Page) -> Iterator[Page]:
    """The page of the trace; whatever the browser complains about fails the test."""
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda message: complaints.append(message.text))
    page.goto("about:blank")
    page.goto("/project/local/traces/t")
    yield page
    assert complaints == []


def shown(page: Page) -> list[str]:
    """Ids of the panes that are visible."""
    visible = page.locator("[data-observation]:visible")
    ids: list[str] = visible.evaluate_all("panes => panes.map((pane) => pane.dataset.observation)")
    return ids


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def test_one_observation_is_shown_at_a_time(trace: Page) -> None:
    assert shown(trace) == ["root"]
    trace.get_by_role("treeitem").nth(2).click()
    assert shown(trace) == ["a1"]


def test_the_address_names_the_selected_observation_whatever_its_id(trace: Page) -> None:
    trace.get_by_role("treeitem").nth(3).click()
    trace.reload()
    assert shown(trace) == ["b <&>'\"%"]


def test_the_query_selects_too(trace: Page) -> None:
    trace.goto("/project/local/traces/t?observation=a1")
    assert shown(trace) == ["a1"]


def test_arrows_move_through_the_tree(trace: Page) -> None:
    trace.get_by_role("treeitem").first.click()
    press(trace, "ArrowDown", "ArrowDown")
    assert shown(trace) == ["a1"]
    press(trace, "ArrowUp")
    assert shown(trace) == ["a"]
    press(trace, "End", "ArrowDown")
    assert shown(trace) == ["b <&>'\"%"]
    press(trace, "Home")
    assert shown(trace) == ["root"]


def test_left_and_right_fold_and_unfold_a_branch(trace: Page) -> None:
    trace.get_by_role("treeitem").nth(1).click()
    press(trace, "ArrowLeft")
    expect(trace.get_by_role("treeitem")).to_have_count(3)
    press(trace, "ArrowLeft", "ArrowLeft")
    expect(trace.get_by_role("treeitem")).to_have_count(1)
    press(trace, "ArrowRight")
    expect(trace.get_by_role("treeitem")).to_have_count(3)  # the inner branch stays folded


def test_folding_over_the_selected_row_selects_the_branch(trace: Page) -> None:
    trace.get_by_role("treeitem").nth(2).click()
    trace.locator(".fold").first.click()
    assert shown(trace) == ["root"]
