"""Batched generation: the same as one by one, in the order asked, held to a schema where one is given."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tiny
from hypothesis import given
from hypothesis import strategies as st

from plateau.core.errors import BadInputError
from plateau.data import fields
from plateau.evaluation import scoring
from plateau.lm import generation
from plateau.lm.backend import mx
from plateau.lm.generation import generate, percentile
from plateau.lm.model import load

TARGET = {
    "type": "object",
    "additionalProperties": False,
    "required": ["category", "csat", "notes"],
    "properties": {
        "category": {"enum": ["billing", "technical"]},
        "csat": {"type": "integer", "minimum": 1, "maximum": 5},
        "notes": {"type": "array", "items": {"type": "string"}},
    },
}


@pytest.fixture(scope="module")
def untrained(tmp_path_factory, tokenizer_dir):
    return load(tiny.base(tmp_path_factory.mktemp("untrained"), tokenizer_dir))


def prompts(count, seed=0):
    draw = np.random.default_rng(seed)
    return [draw.integers(4, 500, draw.integers(1, 40)).tolist() for _ in range(count)]


def test_a_batch_writes_what_each_prompt_gets_alone_in_the_order_asked(untrained):
    together = generate(*untrained, prompts(7), max_tokens=12, batch_size=3)
    alone = [generate(*untrained, [prompt], max_tokens=12, batch_size=1)[0] for prompt in prompts(7)]
    assert together == alone
    assert [output.text for output in together] == [step_by_step(*untrained, prompt, 12) for prompt in prompts(7)]


@pytest.mark.parametrize("schema", [None, TARGET], ids=["free", "held"])
def test_a_model_whose_cache_has_no_batches_writes_the_same_one_by_one(untrained, monkeypatch, schema):
    options = {"max_tokens": 24 if schema is None else 60, "batch_size": 3, "schema": schema}
    together = generate(*untrained, prompts(5), **options)
    monkeypatch.setattr(generation, "has_batches", lambda _: False)
    assert generate(*untrained, prompts(5), **options) == together


def step_by_step(model, tokenizer, prompt, count):
    """Greedy decoding by the whole sequence each time: no cache, no batch."""
    ids = list(prompt)
    while len(ids) < len(prompt) + count:
        ids.append(int(model(mx.array([ids]))[0, -1].argmax().item()))
        if ids[-1] in tokenizer.eos_token_ids:
            return tokenizer.decode(ids[len(prompt) : -1])
    return tokenizer.decode(ids[len(prompt) :])


def test_a_budget_below_the_shortest_answer_is_refused(untrained):
    with pytest.raises(BadInputError, match="max_tokens: 5 are fewer"):
        generate(*untrained, prompts(1), max_tokens=5, batch_size=1, schema=TARGET)


def test_no_prompts_have_no_outputs(untrained):
    assert generate(*untrained, [], max_tokens=5, batch_size=4) == []


def test_an_unconstrained_untrained_model_runs_to_its_limit(untrained):
    output = generate(*untrained, prompts(1), max_tokens=9, batch_size=4)[0]
    assert (output.tokens, output.ended) == (9, False)


def test_every_constrained_output_of_an_untrained_model_validates(untrained):
    validator = fields.validator(TARGET)
    outputs = generate(*untrained, prompts(9), max_tokens=80, batch_size=4, schema=TARGET)
    assert all(output.ended for output in outputs)
    assert all(scoring.is_valid(validator, output.text) for output in outputs)


def test_constrained_outputs_are_laid_out_as_the_training_targets_are(untrained):
    output = generate(*untrained, prompts(1), max_tokens=80, batch_size=1, schema=TARGET)[0].text
    assert output == json.dumps(json.loads(output), ensure_ascii=False)


def test_constrained_rows_keep_their_own_state_in_a_batch(untrained):
    together = generate(*untrained, prompts(6, 1), max_tokens=80, batch_size=6, schema=TARGET)
    alone = [generate(*untrained, [p], max_tokens=80, batch_size=1, schema=TARGET)[0] for p in prompts(6, 1)]
    assert together == alone


def test_sampling_is_reproducible_and_differs_by_seed(untrained):
    def sampled(seed):
        return generate(*untrained, prompts(3), max_tokens=10, batch_size=3, temperature=1.0, seed=seed)

    assert sampled(1) == sampled(1)
    assert sampled(1) != sampled(2)


@given(st.lists(st.floats(0, 10), min_size=1), st.floats(0.01, 1))
def test_a_percentile_is_a_value_that_enough_do_not_exceed(values, share):
    found = percentile(sorted(values), share)
    assert found in values
    assert sum(value <= found for value in values) >= share * len(values) - 1e-9


def test_free_generation_does_not_load_llguidance():
    code = "import plateau.lm.generation, sys; sys.exit('llguidance' in sys.modules)"
    root = Path(__file__).parent.parent
    assert subprocess.run([sys.executable, "-c", code], cwd=root, check=False).returncode == 0
