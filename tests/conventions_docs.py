"""``docs/conventions.md``, made from the conventions themselves. ``make docs`` writes it; a test compares."""

from __future__ import annotations

from collections.abc import Iterator

from differences import DIFFERENCES
from record import PACKAGES
from test_one_conversation import OURS

from langfuse_otel.conventions.convention import Convention
from langfuse_otel.conventions.registry import CONVENTIONS

HEAD = """# Conventions

Made by `make docs` from `src/langfuse_otel/conventions/`; tests hold it to the code and the code to recorded spans.

A span says what it is about in attributes, and every family of libraries has its own names for them. The exporter reads
them all and makes one Langfuse observation of each span, the same one whichever library wrote it.

- **First one wins, for each field by itself.** Of the conventions below, the first that has a value for a field gives
  it. A span may use several: its model can come from one and its input from another.
- **Within a convention** attributes are looked at in the order in which they stand here, the first that is usable wins.
  Where one field is made of many (`gen_ai.usage.*`, messages with their system instructions and tools) they go
  together.
- **Nothing is dropped.** An attribute that is no field's, that lost to another with a different value, or that is not
  of the type it should be, is metadata under its own key.
- **`prefix*`** stands for every key that begins so; *event*, *span* and *resource* for what no attribute says.

Which attribute or convention gave each field of one span is what `explain(span)` in
`langfuse_otel.conventions.registry` returns.

## In order of precedence

| | convention | what writes it | module |
| --- | --- | --- | --- |
"""

WRITTEN_BY = {
    "langfuse": "Langfuse's SDKs, `propagate_attributes`, and you: what these attributes say always wins",
    "score": "`langfuse_otel.score()`: such a span becomes a score and no observation",
    "agent_totals": "Pydantic AI, Strands and the Vercel AI SDK 7, on agents' spans: keeps their sums from the bill",
    "vercel": "Vercel AI SDK up to version 6 (`ai.*`)",
    "google_adk": "Google's Agent Development Kit (`gcp.vertex.agent.*`)",
    "livekit": "LiveKit Agents (`lk.*`)",
    "langsmith": "LangSmith's OpenTelemetry export (`langsmith.*`)",
    "self_traced": "SDKs of Anthropic and Mistral that trace themselves, beside GenAI names",
    "gen_ai": "OpenTelemetry's GenAI conventions since v1.37: our instrumentations, OpenTelemetry's and many others",
    "openinference": "OpenInference, of Arize Phoenix (`llm.*`, `input.value`, `openinference.*`)",
    "gen_ai_events": "GenAI conventions that write content as span events",
    "gen_ai_prompt": "GenAI conventions before v1.37 (`gen_ai.prompt`, `gen_ai.prompt.0.role`)",
    "traceloop": "OpenLLMetry, of Traceloop (`traceloop.*`, `llm.*`)",
    "pydantic_ai": "Pydantic AI, beside GenAI names",
    "logfire": "Logfire (`logfire.*`) and its wrappers of clients",
    "genkit": "Genkit (`genkit:*`)",
    "mlflow": "MLflow (`mlflow.*`)",
    "litellm": "LiteLLM, beside GenAI names",
    "otel": "any span: its name, status, events, links and resource",
}

FIELDS = {
    "type": "`generation`, `tool`, `agent` …; otherwise `span`.",
    "name": "",
    "level": "`DEBUG`, `DEFAULT`, `WARNING` or `ERROR`; otherwise `DEFAULT`.",
    "status_message": "",
    "input": "Messages in the OpenAI chat format, `{messages, tools}` where tools were offered, or what there is.",
    "output": "A message in the OpenAI chat format, a list of several, or what there is.",
    "metadata": "All of these, and under its own key every attribute that no field took. A key that is taken by\n"
    "another value becomes `attributes.<key>`.",
    "model": "",
    "model_parameters": "",
    "usage": "Tokens by Langfuse's keys, which do not overlap: a cached token is no `input` token. Spans around model\n"
    "calls that repeat the calls' tokens (those of `agent_totals`, outer spans of `vercel`, agents and chains of\n"
    "`openinference`) keep the numbers as metadata. A span with a model that is no model call and says nothing counts\n"
    "zero, so that the server does not guess.",
    "cost": "US dollars. Where nothing says it, Langfuse's price list does.",
    "completion_start_ns": "When the first token came, from which Langfuse has its *time to first token*.",
    "prompt_name": "The prompt that was used: together with its version, or not at all.",
    "prompt_version": "A number; labels make no link.",
    "user_id": "",
    "session_id": "",
    "trace_name": "",
    "tags": "A list, JSON text of one, or text with commas.",
    "trace_metadata": "",
    "release": "",
    "environment": "In lower case, what Langfuse does not allow in it as hyphens.",
    "version": "",
    "public": "",
    "is_app_root": "Whether this is the top-most span of the application.",
    "score": "A judgement of the span's parent, of its trace or of its session.",
    "passthrough": "Sent as they are.",
}
"""By field of `Observation`, in the page's order: what is to be said beside the attributes."""

NO_ATTRIBUTE = ("event ", "span ", "resource ", "field ")
LAST_RESORT = "if nothing else says it)"

DIFFERENCES_HEAD = """## Differences that remain

One conversation (a question with an image, a tool call, a streamed answer, an error, an embedding; agents' frameworks
hold what they can of it) was held through each of these, and its spans are kept in `tests/conventions/corpus/`:

| recording | packages |
| --- | --- |
"""

DIFFERENCES_TEXT = f"""
Those of the `openai` client come out as the same observations as `{OURS}`, but for what is listed here: their spans do
not say it, say more, or have it in another form, which is shown as it is.

| recording | what is different | where |
| --- | --- | --- |
"""


def attribute(entry: str) -> str | None:
    """The attribute key that an entry of `Convention.composes` names, or None if it names something else."""
    return None if entry.startswith(NO_ATTRIBUTE) else entry.partition(" (")[0]


def source(entry: str) -> str:
    """The entry in Markdown: what is to be found in code is set as code."""
    if entry.startswith("span "):
        return entry
    kind = next((kind for kind in NO_ATTRIBUTE if entry.startswith(kind)), "")
    name, bracket, note = entry.removeprefix(kind).partition(" (")
    return f"{kind}`{name}`{bracket}{note}"


def sources(convention: Convention, field: str) -> list[str]:
    """What a convention reads a field from, in order."""
    composed = [source(entry) for entry in convention.composes.get(field, ())]
    by_key = [source(key) for key, read in convention.fields.items() if read.name == field]
    return sorted(composed + by_key, key=lambda said: said.endswith(LAST_RESORT))


def section(field: str, about: str) -> Iterator[str]:
    """The lines about one field."""
    yield f"### {field}\n"
    if about:
        yield about + "\n"
    yield "| convention | attributes |"
    yield "| --- | --- |"
    for convention in CONVENTIONS:
        if found := sources(convention, field):
            yield f"| {convention.name} | {', '.join(found)} |"
    yield ""


def packages(name: str) -> str:
    """What was installed for a recording."""
    _, requirements, _ = PACKAGES[name]
    published = [f"`{requirement}`" for requirement in requirements if not requirement.startswith("-e")]
    return ", ".join([*published, "this repository"] if len(published) < len(requirements) else published)


def differences() -> Iterator[str]:
    """Rows of the differences, those with the same reason in one."""
    places: dict[tuple[str, str], list[str]] = {}
    for (name, step, field), why in DIFFERENCES.items():
        places.setdefault((name, why), []).append(f"{step}: {field}")
    for (name, why), where in places.items():
        yield f"| {name} | {why} | {'; '.join(where)} |"


def lines() -> Iterator[str]:
    """The page."""
    yield HEAD + "\n".join(
        f"| {number} | `{convention.name}` | {WRITTEN_BY[convention.name]} "
        f"| `{convention.compose.__module__.rpartition('.')[2]}.py` |"
        for number, convention in enumerate(CONVENTIONS, start=1)
    )
    yield "\n## By field\n"
    for field, about in FIELDS.items():
        yield from section(field, about)
    yield DIFFERENCES_HEAD + "\n".join(f"| {name} | {packages(name)} |" for name in sorted(PACKAGES))
    yield DIFFERENCES_TEXT + "\n".join(differences())


def document() -> str:
    """The whole page."""
    return "\n".join(lines()) + "\n"


if __name__ == "__main__":
    print(document(), end="")  # noqa: T201
