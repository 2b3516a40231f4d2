"""``make demo``, and the page that it leads to, in a real browser."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from support.langfuse_api import LangfuseApi

DEMO = Path(__file__).parents[2] / "examples" / "demo.py"


@pytest.fixture
def page(chromium: str) -> Iterator[Page]:
    """A tab that must not see an error on the console."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        tab = browser.new_page()
        complaints: list[str] = []
        tab.on("pageerror", lambda error: complaints.append(str(error)))
        tab.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        yield tab
        browser.close()
    assert complaints == []


@pytest.fixture
def demo(langfuse: LangfuseApi) -> str:
    """What the demo prints, run against the local Langfuse of the test."""
    env = {**os.environ, **langfuse.env}
    ended = subprocess.run([sys.executable, DEMO], env=env, capture_output=True, text=True, timeout=100, check=False)
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr == ""
    return ended.stdout


@pytest.mark.browser
def test_the_trace_page_shows_the_generation_with_model_tokens_and_prompt(
    demo: str, langfuse: LangfuseApi, page: Page
) -> None:
    urls = re.findall(r"http://\S+/traces/\w+", demo)
    assert len(urls) == 4  # one a question
    page.goto(urls[0])
    generation = page.locator("[data-testid=observation-row][data-type=GENERATION]").last
    generation.click()
    shown = page.locator(f"#obs-{generation.get_attribute('data-id')}")
    (row,) = (row for row in langfuse.observations() if row["id"] == generation.get_attribute("data-id"))
    assert row["promptName"] == "tarn/answer"
    expect(shown.get_by_test_id("observation-model")).to_contain_text("gpt-4o-mini")
    for count in row["usageDetails"].values():
        expect(shown.get_by_test_id("observation-usage")).to_contain_text(str(count))
    expect(shown.get_by_test_id("observation-cost")).to_contain_text("$")
    prompt = shown.get_by_test_id("observation-prompt")
    expect(prompt).to_contain_text("tarn/answer")
    expect(prompt).to_contain_text(f"v{row['promptVersion']}")
    assert {"system", "user", "assistant"} <= set(
        shown.get_by_test_id("message").evaluate_all("bubbles => bubbles.map(bubble => bubble.dataset.role)")
    )
    prompt.click()
    expect(page.get_by_role("main")).to_contain_text("You are the support assistant of")


@pytest.mark.browser
def test_the_list_leads_to_traces_and_sessions(demo: str, langfuse: LangfuseApi, page: Page) -> None:
    assert demo
    page.goto(langfuse.base_url)
    rows = page.get_by_test_id("trace-row").filter(has_text="support question")  # one more embeds the passages
    expect(rows).to_have_count(4)
    rows.first.get_by_role("link").first.click()
    expect(page.get_by_test_id("observation-row").first).to_be_visible()
    page.get_by_role("link", name="Sessions").click()
    expect(page.get_by_role("main")).to_contain_text("ada")


def test_half_set_keys_are_said_before_anything_runs(langfuse: LangfuseApi) -> None:
    env = {**os.environ, "LANGFUSE_PUBLIC_KEY": langfuse.public_key}
    ended = subprocess.run([sys.executable, DEMO], env=env, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 1
    assert "LANGFUSE_SECRET_KEY" in ended.stderr
