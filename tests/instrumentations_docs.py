"""``docs/instrumentations.md``, made from the tests of the instrumentation packages. ``make docs`` writes it."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent
LIBRARIES = ("openai", "anthropic", "google-genai", "bedrock", "langchain")

HEAD = """# Instrumentations

Made by `make docs` from the tests: each mark leads to the one that proves it, against the real client and a loopback
server that speaks the provider's protocol. An empty cell is what no test shows, or what the library does not have.

| | """

# By the contract (langfuse_otel.instrumentation.contract and contract_bad_input) that a package's tests subclass.
CONTRACTS = {
    "Calls: same results, types, errors, methods and requests as without us": "TransparentCallContract",
    "Streams: same chunks in the same order; one span however they are left": "TransparentStreamContract",
    "Odd arguments and replies, mocked, subclassed and monkeypatched clients": "BadInputContract",
    "Streams of odd chunks": "BadStreamContract",
}
# Capability → the test that shows it, library by library; without a folder, file and name.
PROVEN_BY: dict[str, dict[str, str]] = {
    "Model, parameters, usage and answer": {
        "openai": "test_chat::test_a_call_tells_model_usage_and_answer",
        "anthropic": "test_messages::test_a_call_tells_model_usage_and_answer",
        "google-genai": "test_generate_content::test_a_call_tells_model_usage_and_answer",
        "bedrock": "test_converse::test_request_and_answer_become_attributes",
        "langchain": "test_models::test_a_call_is_one_generation_whatever_is_below_it",
    },
    "Async": {
        "openai": "test_chat::test_async_calls_say_the_same",
        "anthropic": "test_messages::test_async_calls_say_the_same",
        "google-genai": "test_generate_content::test_async_calls_streams_and_chats_say_the_same",
        "langchain": "test_steps::test_concurrent_tasks_have_traces_of_their_own",
    },
    "Async streams": {
        "openai": "test_async_streams::test_an_async_stream_is_joined_and_keeps_its_class",
        "anthropic": "test_streams::test_an_async_stream_is_joined_and_keeps_its_class",
        "google-genai": "test_generate_content::test_async_calls_streams_and_chats_say_the_same",
        "langchain": "test_models::test_an_async_stream_that_is_left_ends_its_span",
    },
    "Cancellation": {
        "openai": "test_async_streams::test_an_async_stream_cancelled_while_it_is_read",
        "anthropic": "test_messages::test_a_cancelled_call_is_an_error",
        "google-genai": "test_generate_content::test_an_async_stream_cancelled_while_it_is_read",
        "langchain": "test_models::test_a_cancelled_call_is_an_error",
    },
    "Streams left early keep what came": {
        "openai": "test_streams::test_a_stream_left_early_keeps_what_came",
        "anthropic": "test_streams::test_a_stream_left_early_keeps_what_came",
        "google-genai": "test_generate_content::test_a_stream_that_is_closed_keeps_what_came",
        "bedrock": "test_converse::test_a_loop_that_is_left_can_be_taken_up_again",
        "langchain": "test_models::test_a_stream_that_is_dropped_ends_with_what_came",
    },
    "Streams that break keep what came": {
        "openai": "test_streams::test_a_connection_that_breaks_is_an_error_with_what_came",
        "anthropic": "test_streams::test_a_connection_that_breaks_is_an_error_with_what_came",
        "google-genai": "test_generate_content::test_a_stream_that_fails_when_it_is_first_read_is_an_error",
        "bedrock": "test_converse::test_an_error_event_reaches_the_application_and_the_span_keeps_what_came",
    },
    "Stream helpers": {
        "openai": "test_stream_helpers::test_the_stream_helper_is_one_span",
        "anthropic": "test_streams::test_the_helper_is_one_span",
    },
    "Raw responses": {
        "openai": "test_stream_helpers::test_a_raw_response_is_handed_on_untouched",
        "anthropic": "test_messages::test_a_raw_response_is_handed_on_untouched",
        "bedrock": "test_invoke::test_a_body_is_read_in_whatever_way",
    },
    "Raw responses that stream": {
        "openai": "test_stream_helpers::test_a_streaming_response_of_a_stream",
        "anthropic": "test_streams::test_a_streaming_response_of_a_stream",
        "bedrock": "test_invoke::test_a_stream_is_told",
    },
    "Tools": {
        "openai": "test_chat::test_tools_their_calls_and_their_results",
        "anthropic": "test_messages::test_tool_calls_and_thinking_of_the_answer",
        "google-genai": "test_function_calling::test_a_call_with_functions_is_an_agent",
        "bedrock": "test_converse::test_tools_results_reasoning_and_media_become_parts",
        "langchain": "test_steps::test_an_agent_with_a_tool_is_a_tree",
    },
    "Reasoning": {
        "openai": "test_responses::test_output_items_become_parts_of_one_message",
        "anthropic": "test_messages::test_tool_calls_and_thinking_of_the_answer",
        "google-genai": "test_generate_content::test_thoughts_are_joined_apart_from_the_answer",
        "bedrock": "test_converse::test_tools_results_reasoning_and_media_become_parts",
    },
    "Media in messages": {
        "openai": "test_chat::test_media_become_blob_uri_and_file_parts",
        "anthropic": "test_messages::test_every_kind_of_block_is_told",
        "google-genai": "test_generate_content::test_every_kind_of_part_is_told",
        "bedrock": "test_converse::test_tools_results_reasoning_and_media_become_parts",
        "langchain": "test_models::test_messages_tools_and_media_become_parts",
    },
    "Structured output": {"openai": "test_chat::test_structured_output_is_parsed_as_without_us"},
    "Usage of prompt caches, within the total": {
        "openai": "test_chat::test_a_call_tells_model_usage_and_answer",
        "anthropic": "test_messages::test_a_call_tells_model_usage_and_answer",
        "google-genai": "test_generate_content::test_a_call_tells_model_usage_and_answer",
        "bedrock": "test_converse::test_the_input_includes_what_came_from_and_went_to_the_cache",
    },
    "Usage of streams, asked for on request": {
        "openai": "test_streams::test_with_stream_usage_the_extra_chunk_is_hidden",
    },
    "Embeddings": {
        "openai": "test_embeddings::test_a_call_tells_model_usage_and_dimensions_but_no_vector",
        "google-genai": "test_generate_content::test_embeddings_tell_dimensions_and_texts",
        "bedrock": "test_invoke::test_embeddings_are_told_without_their_vectors",
        "langchain": "test_models::test_embeddings_are_left_to_the_client_below",
    },
    "Images, speech, transcriptions, moderations": {
        "openai": "test_media::test_an_image_is_shown_with_its_prompt_and_usage",
    },
    "Responses in the background": {
        "openai": "test_responses::test_a_response_in_the_background_has_its_usage_where_it_is_reported",
    },
    "Retrieval": {"langchain": "test_steps::test_a_retriever_is_a_retrieval"},
    "Other platforms of the same models": {
        "openai": "test_instrumentor::test_the_provider_is_known_by_the_host",
        "anthropic": "test_messages::test_platforms_are_told_by_their_client",
        "google-genai": "test_generate_content::test_vertex_ai_is_told_from_gemini",
        "bedrock": "test_converse::test_an_arn_is_known_by_the_model_in_it",
    },
    "Retries inside the client are counted": {
        "openai": "test_chat::test_retries_of_the_client_are_one_span",
        "anthropic": "test_messages::test_retries_of_the_client_are_counted_on_one_span",
        "google-genai": "test_generate_content::test_retries_of_the_client_are_counted_on_one_span",
        "bedrock": "test_converse::test_retries_inside_the_client_are_counted",
    },
    "Errors with status or request id": {
        "anthropic": "test_messages::test_an_error_tells_status_and_request_id",
        "google-genai": "test_generate_content::test_an_error_tells_the_status",
        "bedrock": "test_converse::test_throttling_keeps_its_type_status_and_request_id",
        "langchain": "test_models::test_an_error_keeps_its_type_and_status",
    },
    "Odd answers cost attributes only": {
        "openai": "test_chat::test_a_body_that_is_no_completion_costs_attributes_only",
        "anthropic": "test_messages::test_a_body_that_is_no_message_costs_attributes_only",
        "google-genai": "test_generate_content::test_an_answer_without_content_costs_attributes_only",
        "bedrock": "test_converse::test_odd_but_legal_answers_are_told_as_far_as_they_go",
        "langchain": "test_models::test_answers_with_missing_fields_are_told_as_far_as_they_go",
    },
    "Langfuse prompts are linked": {
        "openai": "test_instrumentor::test_a_compiled_prompt_is_found_again_in_the_messages",
        "anthropic": "test_instrumentor::test_a_compiled_prompt_is_found_again_in_the_instructions",
        "google-genai": "test_instrumentor::test_a_compiled_prompt_is_found_again_in_the_instructions",
        "bedrock": "test_instrumentor::test_a_compiled_prompt_is_found_again_in_the_instructions",
        "langchain": "test_models::test_a_prompt_is_linked_by_the_text_it_compiled_to",
    },
    "Steps aside for other instrumentations": {
        "openai": "test_instrumentor::test_it_steps_aside_for_a_foreign_wrapper",
        "anthropic": "test_instrumentor::test_it_steps_aside_for_a_foreign_wrapper",
        "google-genai": "test_instrumentor::test_it_steps_aside_for_a_foreign_wrapper_of_the_public_method",
        "bedrock": "test_instrumentor::test_it_steps_aside_for_a_foreign_wrapper",
        "langchain": "test_instrumentor::test_it_steps_aside_where_another_handler_traces_already",
    },
    "One span with a client that traces itself": {
        "anthropic": "test_self_traced::test_a_call_is_one_span_with_what_both_know",
    },
    "A framework's call and the client's below it are told once": {
        "langchain": "test_models::test_a_call_is_one_generation_whatever_is_below_it",
    },
    "Un-instrumenting leaves no trace": {
        "openai": "test_instrumentor::TestInstrumentor",
        "anthropic": "test_instrumentor::TestInstrumentor",
        "google-genai": "test_instrumentor::TestInstrumentor",
        "bedrock": "test_instrumentor::test_uninstrumenting_leaves_no_trace",
        "langchain": "test_instrumentor::test_uninstrumenting_leaves_no_trace",
    },
}

TAIL = """
Versions: `{versions}`; newer ones too, as endpoints that are gone are skipped. A client of your own:
[instrument-your-client.md](instrument-your-client.md).

For clients that OpenTelemetry's own GenAI packages instrument, `OTEL_INSTRUMENTATION_GENAI_COMPLETION_HOOK=langfuse`
puts the messages and media that they hand over onto their spans, under our content policy. `langfuse-otel run` and our
distro set it where traces go to Langfuse and nothing else stands there. `OTEL_PYTHON_DISABLED_INSTRUMENTATIONS` leaves
instrumentations out by name (`langfuse_openai`), also with `configure()`.
"""


def document() -> str:
    """The page."""
    head = HEAD + " | ".join(f"[{name}](../instrumentations/{name}/README.md)" for name in LIBRARIES)
    rows = [head + " |", "| --- |" + " :-: |" * len(LIBRARIES)]
    for capability, contract in CONTRACTS.items():
        rows.append(_row(capability, {name: contracts(name).get(contract, "") for name in LIBRARIES}))
    rows += [_row(capability, proofs) for capability, proofs in PROVEN_BY.items()]
    return "\n".join(rows) + "\n" + TAIL.format(versions="`, `".join(map(supported, LIBRARIES)))


def _row(capability: str, proofs: dict[str, str]) -> str:
    cells = []
    for library in LIBRARIES:
        file = proofs.get(library, "").partition("::")[0]
        cells.append(f"[✓](../instrumentations/{library}/tests/{file}.py)" if file else "")
    return f"| {capability} | {' | '.join(cells)} |"


@cache
def proofs_of(library: str) -> frozenset[str]:
    """Every test function, and every class of a contract, of a package: ``file::name``."""
    folder = ROOT / "instrumentations" / library / "tests"
    functions = (
        (path.stem, node.name)
        for path in folder.glob("test_*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, (ast.FunctionDef, ast.ClassDef))
    )
    return frozenset("::".join(each) for each in functions)


def contracts(library: str) -> dict[str, str]:
    """The contracts that a package's tests subclass, with the file."""
    folder = ROOT / "instrumentations" / library / "tests"
    found = {
        base.id: path.stem
        for path in sorted(folder.glob("test_*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef)
        for base in node.bases
        if isinstance(base, ast.Name)
    }
    if "BadStreamContract" in found:  # which is the other one and more
        found["BadInputContract"] = found["BadStreamContract"]
    return found


def supported(library: str) -> str:
    """The client's versions, from ``package.py``."""
    (path,) = (ROOT / "instrumentations" / library / "src").glob("*/package.py")
    values = [node.value for node in ast.parse(path.read_text()).body if isinstance(node, ast.Assign)]
    return ", ".join(ast.literal_eval(values[0]))


if __name__ == "__main__":
    print(document(), end="")  # noqa: T201
