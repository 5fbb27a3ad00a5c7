import datetime as dt
import hashlib
import json
import random
import re
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from statistics import mean
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.contacts import analysis, centre, conversations
from simulator.contacts.facts import BEHAVIOURS, OUTCOMES, PATHS, TONES, TOPICS, Facts
from simulator.teaching import forms, lessons, pretraining
from tests import tiny

REPOSITORY = Path(__file__).parent.parent
REFERENCE = REPOSITORY / "models" / "reference"
YEAR = (dt.date(2025, 1, 1), dt.date(2025, 12, 31))

any_facts = st.builds(
    Facts,
    topic=st.sampled_from(TOPICS),
    tone=st.sampled_from(TONES),
    path=st.sampled_from(PATHS),
    outcome=st.sampled_from(OUTCOMES),
    leaving=st.booleans(),
    behaviours=st.frozensets(st.sampled_from(BEHAVIOURS)),
    wait=st.integers(0, 3600),
    peak=st.booleans(),
)


@pytest.fixture(scope="module")
def year() -> list[conversations.Conversation]:
    return list(conversations.simulate(3000, *YEAR, "data 0"))


def schema(name: str) -> jsonschema.Draft202012Validator:
    text = (REPOSITORY / "schemas" / f"{name}.schema.json").read_text(encoding="utf-8")
    return jsonschema.Draft202012Validator(json.loads(text))


def start(conversation: conversations.Conversation) -> dt.datetime:
    return dt.datetime.fromisoformat(conversation.transcript["start"])


def said(conversation: conversations.Conversation) -> str:
    return " ".join(turn["text"] for turn in conversation.transcript["turns"])


def test_the_same_seed_gives_the_same_conversations_and_another_seed_others() -> None:
    drawn = [list(conversations.simulate(50, *YEAR, seed)) for seed in ("data 0", "data 0", "data 1")]
    assert drawn[0] == drawn[1]
    assert drawn[0] != drawn[2]


def test_conversations_are_the_same_on_every_python_version() -> None:
    drawn = [one.transcript for one in conversations.simulate(200, *YEAR, "data 0")]
    assert hashlib.sha256(json.dumps(drawn).encode()).hexdigest()[:16] == "770bc68675548ab6"


@given(any_facts)
def test_every_judgement_fits_the_target_schema_in_its_order(told: Facts) -> None:
    target = analysis.judge(told)
    schema("target").validate(target)
    assert list(target) == list(schema("target").schema["properties"]) == list(analysis.KEYS)


def test_every_transcript_fits_its_schema(year: list[conversations.Conversation]) -> None:
    validator = schema("transcript")
    for conversation in year[:300]:
        assert list(validator.iter_errors(conversation.transcript)) == []


def test_conversations_come_in_time_order_within_the_period_and_so_do_their_turns(
    year: list[conversations.Conversation],
) -> None:
    starts = [start(conversation) for conversation in year]
    assert starts == sorted(starts)
    assert starts[0].date() >= YEAR[0]
    assert starts[-1].date() <= YEAR[1]
    for conversation in year:
        times = [dt.datetime.fromisoformat(turn["time"]) for turn in conversation.transcript["turns"]]
        assert times == sorted(times)
        assert times[0] == start(conversation)


def test_times_carry_the_offset_of_new_york_summer_and_winter(year: list[conversations.Conversation]) -> None:
    offsets = {start(one).month: one.transcript["start"][-6:] for one in year}
    assert (offsets[1], offsets[7]) == ("-05:00", "-04:00")
    assert all(start(one) == start(one).astimezone(centre.TIME_ZONE) for one in year)


def test_every_hour_of_a_day_with_a_clock_change_exists_once() -> None:
    spring = list(centre._hours(dt.date(2025, 3, 9), dt.date(2025, 3, 9)))
    autumn = list(centre._hours(dt.date(2025, 11, 2), dt.date(2025, 11, 2)))
    assert (len(spring), len(autumn)) == (23, 25)
    assert 2 not in {hour.hour for hour in spring}


def test_most_calls_come_in_opening_hours_and_fewest_on_sundays(year: list[conversations.Conversation]) -> None:
    assert mean(centre.is_open(start(one)) for one in year) > 0.8
    by_day: dict[int, int] = defaultdict(int)
    for one in year:
        by_day[start(one).weekday()] += 1
    assert min(by_day, key=lambda day: by_day[day]) == 6
    assert max(by_day, key=lambda day: by_day[day]) == 0


def test_queues_are_longer_when_the_load_is_higher(year: list[conversations.Conversation]) -> None:
    loads = sorted(year, key=lambda one: centre.load(start(one)))
    waits = [one.facts.wait for one in loads]
    third = len(waits) // 3
    assert mean(waits[:third]) < mean(waits[third : 2 * third]) < mean(waits[2 * third :])


def test_queues_are_longer_in_peak_season(year: list[conversations.Conversation]) -> None:
    waits = {peak: mean(one.facts.wait for one in year if one.facts.peak == peak) for peak in (False, True)}
    assert waits[True] > 1.3 * waits[False]


def test_customers_come_back_with_what_was_not_solved(year: list[conversations.Conversation]) -> None:
    open_topics: set[tuple[str, str]] = set()
    for one in year:
        customer = one.transcript["customer_id"]
        if one.facts.path == "repeat":
            assert (customer, one.facts.topic) in open_topics
        if one.facts.outcome != "solved":
            open_topics.add((customer, one.facts.topic))
    assert mean(one.facts.path == "repeat" for one in year) > 0.1


@given(any_facts)
def test_a_long_wait_costs_satisfaction_and_asks_for_an_apology(told: Facts) -> None:
    short, long = (analysis.judge(replace(told, wait=wait, behaviours=frozenset())) for wait in (299, 300))
    assert long["csat"] == max(1, short["csat"] - 1)
    assert "wait" in long["coaching"]
    assert "wait" not in short["coaching"]


@given(any_facts, st.sampled_from(BEHAVIOURS))
def test_what_the_agent_leaves_out_never_raises_quality(told: Facts, name: str) -> None:
    without = replace(told, behaviours=told.behaviours - {name})
    with_it = replace(told, behaviours=told.behaviours | {name})
    assert analysis.judge(without)["quality_score"] <= analysis.judge(with_it)["quality_score"]


@given(any_facts)
def test_a_threat_to_leave_raises_the_churn_risk_most(told: Facts) -> None:
    stays, leaves = (analysis.judge(replace(told, leaving=leaving))["churn_risk"] for leaving in (False, True))
    assert leaves - stays == 40


def test_labels_follow_from_what_is_said(year: list[conversations.Conversation]) -> None:
    for one in year:
        text = said(one)
        assert bool(re.search(r"a rival|provider|competitor|leaving you", text)) == one.facts.leaving
        assert bool(re.search(r"To recap|In short", text)) == ("recap" in one.facts.behaviours)
        assert bool(re.search(r"a supervisor|your manager|your boss", text)) == (one.facts.path == "escalation")


def test_noise_changes_as_many_labels_as_asked(year: list[conversations.Conversation]) -> None:
    clean, noisy = (conversations.label(year, noise, "data 0") for noise in (0.0, 0.3))
    assert [one["target"] for one in clean] == [analysis.judge(one.facts) for one in year]
    changed = mean(a["target"]["csat"] != b["target"]["csat"] for a, b in zip(clean, noisy, strict=True))
    assert 0.15 < changed < 0.3


@given(st.integers(0, 10_000), any_facts)
def test_no_form_uses_a_word_of_the_target(seed: int, told: Facts) -> None:
    draw = random.Random(seed)
    words = forms.Words(["net", "con", "bill", "ing", "pla", "n", "ser", "vice", "or", "der", "ri", "sk"], draw)
    context = {"time_of_day": "morning", "queue_wait_time_seconds": told.wait}
    for form in forms.draw_forms(3, words, draw):
        filled = form.fill(told, context).lower()
        assert not [word for word in forms.FORBIDDEN if word in filled]


def test_the_target_words_that_forms_avoid_are_those_of_the_schema() -> None:
    properties = schema("target").schema["properties"]
    names = " ".join([*properties, *(label for one in properties.values() for label in one.get("enum", []))])
    assert set(re.findall(r"[a-z]{4,}", names.lower())) <= forms.FORBIDDEN


def test_the_reference_model_never_reads_the_conversations_of_the_data_stage(
    year: list[conversations.Conversation],
) -> None:
    ours = list(conversations.simulate(300, *pretraining.PERIOD, pretraining.SEED))
    assert not {said(one) for one in ours} & {said(one) for one in year}
    assert pretraining.PERIOD[1] < YEAR[0]


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    from plateau.prompts import chat

    return chat.load_tokenizer(REFERENCE)


@given(content=st.text(), answer=st.text())
def test_prompt_ids_are_a_prefix_of_the_whole_chat(tokenizer: Any, content: str, answer: str) -> None:
    from plateau.prompts import chat

    ids, completion_start = chat.render(tokenizer, content, answer)
    assert ids[:completion_start] == tiny.stock_prompt(tokenizer, content)
    assert ids[-1] == tokenizer.eos_token_id


@given(st.text(st.characters(codec="utf-8")))
def test_the_tokenizer_loses_nothing(tokenizer: Any, text: str) -> None:
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    assert tokenizer.decode(ids) == text


def test_the_reference_model_is_small_and_mlx_lm_loads_it() -> None:
    from plateau.lm.backend import mx
    from plateau.lm.model import count_parameters, load

    model, tokenizer = load(REFERENCE)
    assert (REFERENCE / "model.safetensors").stat().st_size <= 8_000_000
    assert 0.8e6 < count_parameters(model)[1] < 2e6
    assert tokenizer.eos_token_ids == {tokenizer.eos_token_id}
    assert model(mx.array([[2, 5, 3]])).shape == (1, 3, tokenizer.vocab_size)


def test_the_reference_model_fills_in_forms_it_has_learned() -> None:
    from mlx_lm import generate

    from plateau.lm.model import load

    model, tokenizer = load(REFERENCE)
    one = next(conversations.simulate(1, *YEAR, "data 0"))
    chat = [{"role": "user", "content": lessons.prompt(one, "")}]
    prompt = tokenizer.apply_chat_template(chat, add_generation_prompt=True)
    answer = json.loads(generate(model, tokenizer, prompt, max_tokens=200))
    assert answer
    assert not set(answer) & set(analysis.KEYS)
