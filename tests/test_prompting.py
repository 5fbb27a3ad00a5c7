"""Opponents that are told what to do: the instruction names all that the schema allows, examples are the nearest training rows."""

import json

import numpy as np
import pytest

from plateau.evaluation import prompting, samples
from plateau.evaluation.arms import PROMPTED, entry
from plateau.prompts import chat
from plateau.prompts.instruction import instruction, nearest, with_examples

SCHEMA = {
    "$defs": {"mood": {"enum": ["calm", "angry"], "description": "How the customer sounds."}},
    "type": "object",
    "required": ["mood", "count"],
    "properties": {
        "mood": {"$ref": "#/$defs/mood"},
        "count": {"type": "integer", "minimum": 1, "maximum": 3},
        "note": {"anyOf": [{"type": "string"}, {"type": "null"}]},
    },
}


def test_the_instruction_names_keys_in_order_with_values_bounds_and_descriptions() -> None:
    lines = instruction(SCHEMA).splitlines()[1:]
    assert [line.split(":")[0] for line in lines] == ["- mood", "- count", "- note"]
    assert '"calm", "angry"' in lines[0]
    assert "(How the customer sounds.)" in lines[0]
    assert "integer from 1 to 3" in lines[1]
    assert "optional" in lines[2]
    assert "null or string" in lines[2]


def test_the_instruction_says_that_there_may_be_further_keys() -> None:
    free = {"type": "object", "properties": {"mood": {"enum": ["calm"]}}, "additionalProperties": {"type": "integer"}}
    assert instruction(free).splitlines()[1:] == ['- mood: optional, one of "calm"', "- *: optional, any further keys"]


def test_the_nearest_examples_stand_last_and_none_are_asked_for_with_a_count_of_0() -> None:
    known = ["the router is broken", "my bill is wrong", "the bill has a wrong charge"]
    assert nearest(known, ["my wrong bill"], 2)[0][-1] == 1
    assert nearest(known, ["a router"], 1) == [[0]]
    assert nearest(known, ["a router"], 0) == [[]]
    assert nearest([], ["a router"], 2) == [[]]


def test_a_prompt_holds_instruction_examples_and_the_message_in_this_order() -> None:
    text = with_examples("Do it.", [("asked", '{"a": 1}')], "now")
    assert text.index("Do it.") < text.index("asked") < text.index('{"a": 1}') < text.rindex("now")
    assert with_examples("Do it.", [], "now") == "Do it.\n\nnow"


@pytest.mark.parametrize("name", PROMPTED)
def test_an_arm_is_asked_in_its_own_prompt_and_its_tokens_are_counted(trained, name: str) -> None:
    test = samples.open_split(trained, "test", 6)
    asking = prompting.prepare(trained, None, 2, "2025-01-01")
    changed = asking.split(test, entry(name))
    ids = changed.prompts(changed.sampled)
    text = asking.tokenizer.decode(ids[0])
    assert "Answer with one JSON object" in text
    assert ("Answer 2" in text) == (entry(name).prompt == "few_shot")
    own = chat.render(asking.tokenizer, asking.test[int(test.sampled[0])], "x")
    assert len(ids[0]) > own[1]
    assert changed.examples.prompt_tokens[changed.sampled].tolist() == [len(one) for one in ids]
    rest = np.setdiff1d(np.arange(len(test.examples.ids)), test.sampled)
    assert (changed.examples.prompt_tokens[rest] == test.examples.prompt_tokens[rest]).all()


def test_examples_are_training_rows_with_their_answers(trained) -> None:
    asking = prompting.prepare(trained, "Say it.", 1, "2025-01-01")
    test = samples.open_split(trained, "test", 3)
    text = asking.tokenizer.decode(asking.split(test, entry("base_few_shot")).prompts(test.sampled)[0])
    shown = text.split("Answer 1\n")[1].split("\n")[0]
    assert json.loads(shown) in [json.loads(answer) for answer in asking.answers]
    assert text.count("Say it.") == 1
