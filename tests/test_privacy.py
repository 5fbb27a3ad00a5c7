import json
from collections import Counter
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import personal
from benchmarks import privacy as benchmark
from plateau.core.params import check
from plateau.core.system import SHARED_SCHEMAS
from plateau.data import privacy
from plateau.data.records import SCHEMA

RULES = privacy.Rules(frozenset(privacy.KINDS), "US")


def redacted(*texts: str, kinds: tuple[str, ...] = privacy.KINDS, region: str | None = "US") -> list[str]:
    return privacy.redact(texts, privacy.Rules(frozenset(kinds), region)).texts


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("Write to jane.doe+x@mail.example.co.uk.", "Write to [EMAIL_1]."),
        ("jane dot doe at example dot com", "[EMAIL_1]"),
        ("Call (415) 555-2671 or +44 20 7946 0958.", "Call [PHONE_1] or [PHONE_2]."),
        ("call me at five five five one two three four", "call me at [PHONE_1]"),
        ("Card 4111 1111 1111 1111, not 4111 1111 1111 1112.", "Card [CARD_1], not 4111 1111 1111 1112."),
        ("IBAN DE89 3704 0044 0532 0130 00 THANKS", "IBAN [IBAN_1] THANKS"),
        ("My SSN is 536-22-8145.", "My SSN is [NATIONAL_ID_1]."),
        ("from 192.168.0.17 and 2001:db8::1, version 1.2.3.4", "from [IP_1] and [IP_2], version 1.2.3.4"),
        ("my account number is 4873 9911", "my account number is [ACCOUNT_1]"),
        ("pay to bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "pay to [ACCOUNT_1]"),
        ("I live at 12 North Oak Street, Apt 4.", "I live at [ADDRESS_1]."),
        ("Harbor Telecom, Olga speaking.", "Harbor Telecom, [NAME_1] speaking."),
        ("my name is jane doe and i am cross", "my name is [NAME_1] and i am cross"),
    ],
)
def test_each_kind_becomes_its_placeholder(text: str, made: str) -> None:
    assert redacted(text) == [made]


@pytest.mark.parametrize("text", [text for text in personal.HARMLESS if "{" not in text])
def test_what_is_not_personal_stays(text: str) -> None:
    assert redacted(text) == [text]


def test_the_same_value_is_the_same_placeholder_in_the_whole_conversation() -> None:
    made = redacted(
        "My name is Olga. Call 415-555-2671.",
        "May I have your account number?",
        "It is 48739. Olga said (415) 555 2671 or A@example.com, a@example.com.",
        "So 48739, and Olga's other one is 415-555-9999. Olgas stay.",
    )
    assert made == [
        "My name is [NAME_1]. Call [PHONE_1].",
        "May I have your account number?",
        "It is [ACCOUNT_1]. [NAME_1] said [PHONE_1] or [EMAIL_1], [EMAIL_1].",
        "So [ACCOUNT_1], and [NAME_1]'s other one is [PHONE_2]. Olgas stay.",
    ]


def test_numbers_go_on_after_placeholders_that_are_there_already() -> None:
    assert redacted("[EMAIL_3] or b@example.com") == ["[EMAIL_3] or [EMAIL_4]"]


def test_a_name_that_is_a_word_is_replaced_only_where_it_is_a_name() -> None:
    assert redacted("This is Will speaking.", "Will that be all?") == [
        "This is [NAME_1] speaking.",
        "Will that be all?",
    ]


@pytest.mark.parametrize("kind", privacy.KINDS)
def test_each_kind_has_its_switch(kind: str) -> None:
    texts = [turn for case in personal.cases(150, 3) for turn in case.turns]
    options = check(SHARED_SCHEMAS.parent / "params.yaml")["prepare"]["privacy"]
    counts = privacy.redact(texts, privacy.rules({**options, kind: False}, {})).counts
    assert kind not in counts
    assert len(counts) >= len(privacy.KINDS) - 1


def test_numbers_without_a_country_code_need_a_region() -> None:
    assert redacted("It rings at 020 7946 0958 all day", region="GB") == ["It rings at [PHONE_1] all day"]
    assert redacted("It rings at 020 7946 0958 all day", region=None) == ["It rings at 020 7946 0958 all day"]


def test_recall_and_precision_on_conversations_of_known_content() -> None:
    """On another seed than the benchmark's; the forms are the same."""
    for kind, score in benchmark.measured(personal.cases(1500, 11)).items():
        assert score.there > 100, kind
        assert score.recall >= 0.98, kind
        assert score.precision >= 0.97, kind


@given(seed=st.integers(0, 10_000))
def test_redacting_twice_changes_nothing_more(seed: int) -> None:
    for case in personal.cases(3, seed):
        once = privacy.redact(case.turns, RULES)
        assert len(once.texts) == len(case.turns)
        assert privacy.redact(once.texts, RULES).texts == once.texts


@given(texts=st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])), max_size=5))
def test_any_text_goes_through_and_keeps_its_turns(texts: list[str]) -> None:
    assert len(privacy.redact(texts, RULES).texts) == len(texts)


HOSTILE = [
    "1 ",
    "a@",
    "my name is ",
    "Aa ",
    "4111 ",
    "12 Aa ",
    "::",
    "1.",
    "account number ",
    "one ",
    "hi, ",
    "DE89 ",
    "x dot ",
]


@pytest.mark.parametrize("piece", HOSTILE)
def test_hostile_text_ends(piece: str) -> None:
    """A pattern that backtracks without bound would not be through with this in an hour."""
    text = piece * (200_000 // len(piece))
    assert len(privacy.redact([text, "a"], RULES).texts) == 2


TARGET = {
    "type": "object",
    "properties": {"summary": {"type": "string"}, "who": {"enum": ["Olga", "Ben"]}, "notes": {"type": "array"}},
}


def holds(value: Any) -> bool:
    return value["who"] in ("Olga", "Ben")


def test_the_target_repeats_placeholders_in_its_texts_and_is_never_broken() -> None:
    target = {"summary": "Olga, 48739: Olgas", "who": "Olga", "notes": ["for Olga", 3, None]}
    made = privacy.in_target(target, {"Olga": "[NAME_1]", "48739": "[ACCOUNT_1]"}, holds)
    assert made == {"summary": "[NAME_1], [ACCOUNT_1]: Olgas", "who": "Olga", "notes": ["for [NAME_1]", 3, None]}
    assert target["summary"] == "Olga, 48739: Olgas"


def test_a_batch_changes_texts_and_targets_alone() -> None:
    rows = [
        {
            "id": f"c{number}",
            "start": "2025-01-01T00:00:00+00:00",
            "turns": [
                {"role": "agent", "text": text, "time": None},
                {"role": "customer", "text": "Okay.", "time": "t"},
            ],
            "target": json.dumps({"summary": "Ask Olga at o@example.com.", "who": "Olga"}),
        }
        for number, text in enumerate(["Olga speaking, o@example.com.", "Nothing here."])
    ]
    batch = pa.RecordBatch.from_pylist(rows, SCHEMA)
    made, counts = privacy.batch(RULES._replace(target=json.dumps(TARGET)), batch)
    assert made.schema == SCHEMA
    assert counts == Counter(name=1, email=1)
    first, second = made.to_pylist()
    assert first["turns"][0]["text"] == "[NAME_1] speaking, [EMAIL_1]."
    assert json.loads(first["target"]) == {"summary": "Ask [NAME_1] at [EMAIL_1].", "who": "Olga"}
    assert second == batch.to_pylist()[1]
    assert first["turns"][1] == rows[0]["turns"][1]
    assert privacy.batch(RULES, batch.slice(1, 1))[0].to_pylist() == [second]
