"""Counts that overlap become counts that add up."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langfuse_otel.conventions import usage

COUNTS = st.integers(0, 2**40)


def test_cached_and_reasoning_tokens_are_taken_out_of_their_totals() -> None:
    found, unused = usage.from_gen_ai(
        {
            "input_tokens": 100,
            "output_tokens": 50,
            "cache_read.input_tokens": 30,
            "cache_write.input_tokens": 20,
            "reasoning.output_tokens": 10,
            "audio.input_tokens": 5,
        }
    )

    assert found == {
        "input": 45,
        "output": 40,
        "input_cached_tokens": 30,
        "input_cache_creation": 20,
        "output_reasoning_tokens": 10,
        "input_audio_tokens": 5,
        "total": 150,
    }
    assert not unused


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("prompt_tokens", "input"),
        ("completion_tokens", "output"),
        ("cache_creation.input_tokens", "input_cache_creation"),
        ("cache_creation_input_tokens", "input_cache_creation"),
        ("cache_read_input_tokens", "input_cached_tokens"),
        ("reasoning_tokens", "output_reasoning_tokens"),
    ],
)
def test_old_spellings_are_known(name: str, key: str) -> None:
    assert usage.from_gen_ai({name: 3})[0][key] == 3


def test_of_two_spellings_the_current_one_wins_and_the_other_stays_visible() -> None:
    found, unused = usage.from_gen_ai({"prompt_tokens": 1, "input_tokens": 2})

    assert (found["input"], unused) == (2, ["prompt_tokens"])


def test_a_part_larger_than_its_total_is_not_subtracted() -> None:
    found, _ = usage.from_gen_ai({"input_tokens": 10, "cache_read.input_tokens": 100})

    assert found == {"input": 10, "input_cached_tokens": 100, "total": 110}


def test_text_is_a_number_and_what_is_no_count_is_not_used() -> None:
    found, unused = usage.from_gen_ai({"input_tokens": "12", "output_tokens": 1.5, "total_tokens": -3})

    assert (found, unused) == ({"input": 12, "total": 12}, ["output_tokens", "total_tokens"])


def test_an_unknown_count_keeps_its_name_and_does_not_change_the_total() -> None:
    assert usage.from_gen_ai({"input_tokens": 1, "web_searches": 4})[0] == {"input": 1, "total": 1, "web_searches": 4}


def test_a_name_that_is_already_a_key_does_not_replace_it() -> None:
    assert usage.from_gen_ai({"input_tokens": 1, "input": 9}) == ({"input": 1, "total": 1}, ["input"])


def test_tokens_by_modality_without_a_price_stay_in_their_total() -> None:
    found, unused = usage.from_gen_ai({"input_tokens": 10, "image.input_tokens": 4, "text.input_tokens": 6})

    assert (found, unused) == ({"input": 10, "total": 10}, ["image.input_tokens", "text.input_tokens"])


@given(st.dictionaries(st.sampled_from(sorted(usage.GEN_AI_SPELLINGS)), COUNTS, min_size=1))
def test_the_total_is_never_less_than_its_disjoint_parts(counts: dict[str, int]) -> None:
    found, unused = usage.from_gen_ai(counts)

    assert found["total"] >= sum(count for key, count in found.items() if key != "total")
    assert len(unused) < len(counts)


@given(COUNTS, COUNTS, COUNTS)
def test_inclusive_counts_add_up_to_what_was_sent(cached: int, rest: int, output: int) -> None:
    counts = {"input_tokens": cached + rest, "cache_read.input_tokens": cached, "output_tokens": output}

    assert usage.from_gen_ai(counts)[0]["total"] == cached + rest + output


@pytest.mark.parametrize(
    "shape",
    [
        {
            "prompt_tokens": 12,
            "completion_tokens": 7,
            "total_tokens": 19,
            "prompt_tokens_details": {"cached_tokens": 4, "audio_tokens": None},
            "completion_tokens_details": {"reasoning_tokens": 2},
        },
        {
            "input_tokens": 12,
            "output_tokens": 7,
            "input_tokens_details": {"cached_tokens": 4},
            "output_tokens_details": {"reasoning_tokens": 2},
        },
    ],
)
def test_usage_details_in_openais_shape_are_normalised_also_with_a_key_too_few(shape: dict[str, object]) -> None:
    found, complete = usage.details(json.dumps(shape))

    assert found == {"input": 8, "output": 5, "total": 19, "input_cached_tokens": 4, "output_reasoning_tokens": 2}
    assert complete


def test_an_extra_key_does_not_spoil_openais_shape() -> None:
    found, _ = usage.details('{"prompt_tokens": 10, "completion_tokens": 2, "total_tokens": 12, "searches": 7}')

    assert found == {"input": 10, "output": 2, "total": 12, "searches": 7}


def test_usage_details_in_anthropics_shape_are_disjoint_already() -> None:
    found, _ = usage.details('{"input_tokens": 10, "output_tokens": 4, "cache_read_input_tokens": 3}')

    assert found == {"input": 10, "output": 4, "input_cached_tokens": 3, "total": 17}


def test_nothing_is_subtracted_from_langfuses_own_keys() -> None:
    assert usage.details('{"input": 5, "input_cached_tokens": 9}')[0] == {
        "input": 5,
        "input_cached_tokens": 9,
        "total": 14,
    }


def test_entries_that_are_no_counts_are_left_out_and_said_to_be() -> None:
    found, complete = usage.details('{"input": 1, "output": 1.5, "x": -1, "y": {"z": 1}, "n": null}')

    assert found == {"input": 1, "total": 1}
    assert not complete


def test_a_total_that_is_less_than_its_parts_is_not_used() -> None:
    found = {"input_tokens": 10, "output_tokens": 2, "total_tokens": 5}

    assert usage.from_gen_ai(found) == ({"input": 10, "output": 2, "total": 12}, ["total_tokens"])


@pytest.mark.parametrize(("total", "kept"), [(20, 20), (3, 15)])
def test_a_total_that_does_not_fit_its_parts_stays_visible(total: int, kept: int) -> None:
    found = {"input_tokens": 10, "output_tokens": 5, "total_tokens": total}

    assert usage.from_gen_ai(found) == ({"input": 10, "output": 5, "total": kept}, ["total_tokens"])
