"""The JSON that a client finds in an answer, however it is wrapped, and that both readings are figures."""

import json
from dataclasses import replace

import pyarrow.parquet as pq
import pytest
import tiny_task
from hypothesis import given
from hypothesis import strategies as st

from plateau.core.figures import to_json
from plateau.data.fields import UNUSABLE
from plateau.evaluation import figures, predictions, reading

OBJECT = {"mood": "calm", "count": 2}
TEXT = json.dumps(OBJECT)


@pytest.mark.parametrize(
    "answer",
    [
        TEXT,
        f"\n {TEXT}\n",
        f"```json\n{TEXT}\n```",
        f"Sure!\n```\n{TEXT}\n```\nAnything else?",
        f"```json\nnot this\n```\n```json\n{TEXT}\n```",
        f"The answer is {TEXT}. I hope that {{helps}}.",
        f"Of the set {{calm, angry}} I chose [1]: {TEXT}",
        f"{TEXT}\n\nExample 2\n{{}}",
    ],
)
def test_an_object_is_found_in_a_fence_or_in_prose(answer: str) -> None:
    assert reading.read(answer, {dict}) == OBJECT


@pytest.mark.parametrize(
    "answer",
    ["", "I cannot say.", "{", '{"a": {"mood": "calm"}', '{"mood": NaN}', "[" * 100_000, '{"a":' * 100_000, "[1, 2]!"],
)
def test_nothing_is_found_where_nothing_whole_stands(answer: str) -> None:
    assert reading.read(answer, {dict}) is UNUSABLE


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_no_value_is_taken_from_inside_one_that_is_nested_too_deep(opening: str, closing: str) -> None:
    deep = opening * 10_000 + "1" + closing * 10_000
    assert reading.read(f"See {deep}", {dict, list}) is UNUSABLE


def test_what_is_asked_for_is_what_is_looked_for() -> None:
    assert reading.read('See {"a": 1}: [1, 2].', {list}) == [1, 2]
    assert reading.read('It is "billing", I think.', {None}) == "billing"
    assert reading.read("I count 3 of them.", {None}) == 3
    assert reading.read("I count 3 of them.", {dict}) is UNUSABLE
    assert reading.read("null", {dict}) is None


@given(
    st.dictionaries(st.text(), st.recursive(st.integers() | st.text() | st.none(), st.lists)),
    st.text(st.characters(exclude_characters='{`"')),
    st.text(st.characters(exclude_characters="`")),
)
def test_whatever_stands_around_it_an_object_is_read_as_it_was_written(target, before, after) -> None:
    assert reading.read(f"{before}{json.dumps(target)}{after}", {dict}) == target


def test_an_arm_that_wraps_its_answers_scores_as_if_it_did_not_and_is_no_valid_json(trained) -> None:
    arms = predictions.arms(pq.read_table(trained.path("data", "predictions.parquet")))
    wrapped = replace(arms["adapter"], outputs=[f"Here:\n```json\n{text}\n```" for text in arms["adapter"].outputs])
    settings = figures.Settings(200, 0.95, 0)
    found = to_json(figures.figures({**arms, "adapter": wrapped}, tiny_task.SCHEMA, settings))["arms"]["adapter"]
    plain = to_json(figures.figures(arms, tiny_task.SCHEMA, settings))["arms"]["adapter"]
    assert (found["json_valid"], found["schema_valid"]) == (0, 0)
    assert (found["schema_found"], found["score"]) == (plain["schema_found"], plain["score"])
    assert plain["schema_valid"] > 0.9
