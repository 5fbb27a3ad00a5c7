import copy
import json
from pathlib import Path
from typing import Any

import jsonschema
import pyarrow.parquet as pq
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from plateau.core.errors import BadInputError
from plateau.core.files import read_json
from plateau.core.params import check
from plateau.core.system import SHARED_SCHEMAS, System
from plateau.data import readers, strict_json
from plateau.data.contracts import Contract
from plateau.data.records import parse_time
from stages import prepare
from tests.contracts import metrics_problems

PRIVACY = check(SHARED_SCHEMAS.parent / "params.yaml")["prepare"]["privacy"]

TARGET = {
    "type": "object",
    "additionalProperties": False,
    "required": ["label"],
    "properties": {"label": {"enum": ["a", "b"]}, "score": {"type": "integer", "minimum": 0, "maximum": 5}},
}


def transcript(name: str = "c1", **more: Any) -> dict[str, Any]:
    turns = [
        {"role": "customer", "text": "Hello.", "time": "2025-03-01T10:00:05+01:00"},
        {"role": "agent", "text": "Hi."},
    ]
    return {"id": name, "start": "2025-03-01T10:00:00+01:00", "queue_wait_time_seconds": 12, "turns": turns, **more}


def analysis(name: str = "c1", **target: Any) -> dict[str, Any]:
    return {"id": name, "target": target or {"score": 3, "label": "a"}}


def line(value: Any) -> bytes:
    return json.dumps(value).encode() + b"\n"


class Bench:
    """A system in a temporary folder that holds ten good conversations besides what a test adds."""

    def __init__(self, root: Path) -> None:
        self.system = System(root)
        (root / "schemas").mkdir()
        (root / "schemas" / "target.schema.json").write_text(json.dumps(TARGET))
        (root / "data" / "raw").mkdir(parents=True)
        self.transcripts = b"".join(line(transcript(f"good{number}")) for number in range(10))
        self.analyses = b"".join(line(analysis(f"good{number}")) for number in range(10))

    def run(self, transcripts: bytes = b"", analyses: bytes = b"", limit: float = 1.0) -> list[tuple[Any, ...]]:
        """Prepare with more raw lines; returns (file, line, id, reason) of the rejects."""
        raw = self.system.path("data", "raw")
        (raw / "transcripts.jsonl").write_bytes(self.transcripts + transcripts)
        (raw / "analyses.jsonl").write_bytes(self.analyses + analyses)
        prepare.main(self.system, {"prepare": {"max_rejected": limit, "privacy": PRIVACY}})
        return self.rejected()

    def rejected(self) -> list[tuple[Any, ...]]:
        lines = self.system.path("data", "rejected.jsonl").read_text(encoding="utf-8").split("\n")
        rows = [json.loads(text) for text in lines if text]
        assert all(row["detail"] and len(row["record"]) <= strict_json.SHOWN_CHARACTERS for row in rows)
        return [(Path(row["file"]).name, row["line"], row["id"], row["reason"]) for row in rows]

    def rows(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = pq.read_table(self.system.path("data", "prepared.parquet")).to_pylist()
        return found

    def metrics(self) -> dict[str, Any]:
        return dict(read_json(self.system.metrics("prepare")))


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def with_turn(**turn: Any) -> dict[str, Any]:
    return transcript("bad", turns=[*transcript()["turns"], {"role": "agent", "text": "Bye.", **turn}])


BAD_TRANSCRIPTS = {
    "truncated JSON": (line(transcript("bad"))[:40] + b"\n", "invalid_json"),
    "no object": (b'["bad"]\n', "wrong_type"),
    "deep nesting": (b"[" * 100_000 + b"\n", "invalid_json"),
    "NaN": (line(transcript("bad", queue_wait_time_seconds=float("nan"))), "invalid_json"),
    "huge number": (line(transcript("bad", queue_wait_time_seconds=10**400)), "out_of_range"),
    "wrong type": (line(transcript("bad", queue_wait_time_seconds="long")), "wrong_type"),
    "turns are no list": (line(transcript("bad", turns="Hello")), "wrong_type"),
    "text is no string": (line(with_turn(text=7)), "wrong_type"),
    "negative wait": (line(transcript("bad", queue_wait_time_seconds=-1)), "out_of_range"),
    "no id": (line({key: value for key, value in transcript().items() if key != "id"}), "missing_key"),
    "unknown role": (line(with_turn(role="robot")), "unknown_role"),
    "no turns": (line(transcript("bad", turns=[])), "no_turns"),
    "empty turn": (line(with_turn(text="")), "empty_turn"),
    "blank turn": (line(with_turn(text=" \n\t")), "empty_turn"),
    "turn of 10 MB": (line(with_turn(text="x" * 10_000_000)), "turn_too_long"),
    "line of 40 MB": (line(with_turn(text="x" * 40_000_000)), "too_large"),
    "NUL byte": (line(transcript("bad")).replace(b"Hello", b"Hel\0lo"), "nul_byte"),
    "escaped NUL": (line(with_turn(text="a\0b")), "nul_byte"),
    "invalid UTF-8": (line(transcript("bad")).replace(b"Hello", b"H\xff\xfello"), "invalid_utf8"),
    "half a surrogate pair": (line(with_turn(text="\ud800")), "invalid_utf8"),
    "UTF-16": (json.dumps(transcript("bad")).encode("utf-16-le") + b"\n", "nul_byte"),
    "naive time": (line(transcript("bad", start="2025-03-01T10:00:00")), "naive_time"),
    "date only": (line(transcript("bad", start="2025-03-01")), "naive_time"),
    "impossible day": (line(transcript("bad", start="2025-02-30T10:00:00Z")), "impossible_time"),
    "impossible hour": (line(transcript("bad", start="2025-03-01T25:00:00Z")), "impossible_time"),
    "impossible year": (line(transcript("bad", start="0001-01-01T00:00:00+05:00")), "impossible_time"),
    "no time at all": (line(transcript("bad", start="yesterday")), "impossible_time"),
    "naive turn": (line(with_turn(time="2025-03-01T10:00:00")), "naive_time"),
}


@pytest.mark.parametrize("case", BAD_TRANSCRIPTS)
def test_a_bad_transcript_is_rejected_with_its_place_and_the_good_ones_go_on(bench: Bench, case: str) -> None:
    data, reason = BAD_TRANSCRIPTS[case]
    rejected = bench.run(
        transcripts=data + line(transcript("last")), analyses=line(analysis("bad")) + line(analysis("last"))
    )
    assert rejected[-1][:2] == ("transcripts.jsonl", 11) or rejected[0][:2] == ("analyses.jsonl", 11)
    found = [row for row in rejected if row[0] == "transcripts.jsonl"]
    assert [(place, why) for _, place, _, why in found] == [(11, reason)]
    assert [row["id"] for row in bench.rows()] == [*(f"good{number}" for number in range(10)), "last"]


BAD_ANALYSES = {
    "truncated JSON": (b'{"id": "bad", "target": {"la\n', "invalid_json"),
    "no target": (line({"id": "bad"}), "missing_key"),
    "target is a list": (line({"id": "bad", "target": []}), "wrong_type"),
    "missing key": (line(analysis("bad", score=1)), "missing_key"),
    "unknown key": (line(analysis("bad", label="a", mood="glad")), "unknown_key"),
    "unknown value": (line(analysis("bad", label="c")), "unknown_value"),
    "out of range": (line(analysis("bad", label="a", score=6)), "out_of_range"),
    "boolean for a number": (line(analysis("bad", label="a", score=True)), "wrong_type"),
}


@pytest.mark.parametrize("case", BAD_ANALYSES)
def test_a_bad_analysis_is_rejected_and_its_conversation_counts_once(bench: Bench, case: str) -> None:
    data, reason = BAD_ANALYSES[case]
    rejected = bench.run(transcripts=line(transcript("bad")), analyses=data)
    assert rejected[0][:2] + rejected[0][3:] == ("analyses.jsonl", 11, reason)
    assert len(bench.rows()) == 10
    assert bench.metrics()["rejected_share"] == round(1 / 11, 6)


def test_what_lacks_its_partner_is_rejected(bench: Bench) -> None:
    rejected = bench.run(transcripts=line(transcript("alone")), analyses=line(analysis("orphan")))
    assert rejected == [
        ("analyses.jsonl", 11, "orphan", "missing_transcript"),
        ("transcripts.jsonl", 11, "alone", "missing_analysis"),
    ]


def test_exact_duplicates_are_dropped_and_conflicting_ones_all_rejected(bench: Bench) -> None:
    reordered = dict(reversed(transcript("good3").items()))
    other = transcript("good4", queue_wait_time_seconds=99)
    rejected = bench.run(transcripts=line(reordered) + line(other) + line(other))
    assert rejected == [("transcripts.jsonl", number, "good4", "conflicting_id") for number in (5, 12, 13)]
    assert bench.metrics()["duplicates_dropped"] == 1
    assert [row["id"] for row in bench.rows()] == [f"good{number}" for number in range(10) if number != 4]


def test_past_the_limit_the_stage_fails_and_still_leaves_the_rejects(bench: Bench) -> None:
    with pytest.raises(BadInputError, match=r"9\.1% of 11 conversations .* 5\.0% \(invalid_json 1\)"):
        bench.run(transcripts=b"{\n", limit=0.05)
    assert bench.rejected() == [("transcripts.jsonl", 11, None, "invalid_json")]
    assert not bench.system.path("data", "prepared.parquet").exists()


def test_no_files_and_no_records_are_clear_errors(bench: Bench) -> None:
    with pytest.raises(BadInputError, match=r"found no transcripts\.jsonl"):
        prepare.main(bench.system, {"prepare": {"max_rejected": 1.0, "privacy": PRIVACY}})
    bench.transcripts = bench.analyses = b""
    with pytest.raises(BadInputError, match="the files are empty"):
        bench.run()


def test_folders_of_json_and_jsonl_files_are_read_and_rows_come_by_start_then_id(bench: Bench) -> None:
    raw = bench.system.path("data", "raw")
    for kind, make in (("transcripts", transcript), ("analyses", analysis)):
        (raw / kind / "deep").mkdir(parents=True)
        (raw / kind / "1.json").write_bytes(b"\xef\xbb\xbf" + line(make("one")))
        (raw / kind / "2.json").write_text(json.dumps([make("two"), make("three"), {}]))
        (raw / kind / "deep" / "3.jsonl").write_bytes(line(make("four")) + b"\n" + line(make("five")))
        (raw / kind / "notes.docx").write_bytes(b"?")
        (raw / kind / ".hidden").write_bytes(b"?")
    prepare.main(bench.system, {"prepare": {"max_rejected": 1.0, "privacy": PRIVACY}})
    assert [row["id"] for row in bench.rows()] == ["five", "four", "one", "three", "two"]
    assert bench.rejected() == [
        ("2.json", 3, None, "missing_key"),
        ("notes.docx", None, None, "unknown_format"),
        ("2.json", 3, None, "missing_key"),
        ("notes.docx", None, None, "unknown_format"),
    ]


def test_a_prepared_row_keeps_its_times_and_writes_the_target_in_the_order_of_the_schema(bench: Bench) -> None:
    bench.run()
    row = bench.rows()[0]
    assert row["start"] == "2025-03-01T10:00:00+01:00"
    assert row["start_utc"].isoformat() == "2025-03-01T09:00:00+00:00"
    assert row["customer_id"] is None
    assert row["turns"][1] == {"role": "agent", "text": "Hi.", "time": None}
    assert row["target"] == '{"label": "a", "score": 3}'


def test_the_same_raw_files_give_the_same_bytes(bench: Bench) -> None:
    outputs = []
    for _ in range(2):
        bench.run(transcripts=line(transcript("alone")))
        places = [("data", "prepared.parquet"), ("data", "rejected.jsonl"), ("metrics", "prepare.json")]
        outputs.append([bench.system.path(*place).read_bytes() for place in places])
    assert outputs[0] == outputs[1]


def test_metrics_follow_their_schema(bench: Bench) -> None:
    bench.run(transcripts=b"{\n")
    assert metrics_problems("prepare", bench.metrics()) == []


def test_a_schema_that_is_none_is_a_clear_error(tmp_path: Path) -> None:
    path = tmp_path / "target.schema.json"
    with pytest.raises(BadInputError, match="no such file"):
        Contract.load(path)
    path.write_text('{"type": "objekt"}')
    with pytest.raises(BadInputError, match="not a valid JSON Schema"):
        Contract.load(path)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["id", "start", "turns", "role", "text"]), inner, max_size=4)
    ),
)


@given(
    path=st.lists(st.sampled_from(["id", "start", "turns", 0, 1, "role", "text", "time"]), min_size=1, max_size=3),
    value=JSON,
)
def test_the_fast_validator_agrees_with_jsonschema(path: list[Any], value: Any) -> None:
    record = copy.deepcopy(transcript())
    place: Any = record
    for step in path[:-1]:
        try:
            place = place[step]
        except (KeyError, IndexError, TypeError):
            return
    assume(
        (isinstance(place, dict) and isinstance(path[-1], str))
        or (isinstance(place, list) and path[-1] in range(len(place)))
    )
    place[path[-1]] = value
    contract = Contract.load(SHARED_SCHEMAS / "transcript.schema.json")
    assert (contract.check(record) is None) == jsonschema.Draft202012Validator(contract.schema).is_valid(record)


def test_an_explanation_quotes_no_more_than_a_screen() -> None:
    problem = Contract({"maxLength": 3}, "x").check("x" * 1_000_000)
    assert problem
    assert problem.reason == "too_long"
    assert len(problem.detail) < 500


@given(data=st.binary(max_size=60) | st.text(max_size=30).map(str.encode) | JSON.map(line))
def test_no_bytes_crash_the_reader(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    for suffix in (".json", ".jsonl"):
        path = tmp_path_factory.mktemp("raw") / f"x{suffix}"
        path.write_bytes(data)
        for raw in map(readers.parsed, readers.read_file(path, "x", path.parent)):
            assert raw.problem or json.dumps(raw.value, ensure_ascii=False).encode()


@given(time=st.datetimes(timezones=st.timezones()).filter(lambda time: 1971 < time.year < 2199))
def test_times_keep_their_instant(time: Any) -> None:
    assert parse_time(time.isoformat()).timestamp() == time.timestamp()


def test_nested_targets_follow_the_order_of_the_schema() -> None:
    schema = {"properties": {"b": {"items": {"properties": {"y": {}, "x": {}}}}, "a": {}}}
    assert (
        Contract(schema, "x").text({"a": "é", "z": 0, "b": [{"x": 1, "y": 2}]})
        == '{"b": [{"y": 2, "x": 1}], "a": "é", "z": 0}'
    )


def test_a_label_that_is_a_special_token_is_an_error_before_any_record_is_read(bench: Bench) -> None:
    path = bench.system.path("schemas", "target.schema.json")
    path.write_text(json.dumps({**TARGET, "properties": {"label": {"enum": ["a", "b", "<|user|>"]}}}))
    with pytest.raises(BadInputError, match=r"target.schema.json: '<\|user\|>' holds <\|user\|>, a special token"):
        bench.run()


def test_a_text_that_holds_a_special_token_of_the_model_is_rejected_by_name(bench: Bench) -> None:
    model = bench.system.path("models", "base")
    model.mkdir(parents=True)
    (model / "tokenizer.json").write_text(json.dumps({"added_tokens": [{"content": "[END]"}, {"content": "x"}]}))
    (model / "tokenizer_config.json").write_text(json.dumps({"bos_token": {"content": "<s>"}, "add_bos_token": True}))
    schema = {**TARGET, "properties": {**TARGET["properties"], "note": {"type": "string"}}}
    bench.system.path("schemas", "target.schema.json").write_text(json.dumps(schema))
    notes = {"bad": "well [end]", "worse": "\uff1cs\uff1e", "fine": "<|user|> is no token of this model"}
    rejected = bench.run(
        transcripts=b"".join(line(transcript(name)) for name in notes),
        analyses=b"".join(line(analysis(name, label="a", note=note)) for name, note in notes.items()),
    )
    assert [(name, why) for _, _, name, why in rejected if why != "missing_analysis"] == [
        ("bad", "special_token"),
        ("worse", "special_token"),
    ]
    assert "fine" in [row["id"] for row in bench.rows()]


def test_equal_targets_are_one_answer_and_no_conflict(bench: Bench) -> None:
    rejected = bench.run(
        transcripts=line(transcript("twice")),
        analyses=line(analysis("twice", label="a", score=2)) + line(analysis("twice", label="a", score=2.0)),
    )
    assert rejected == []
    assert json.loads({row["id"]: row["target"] for row in bench.rows()}["twice"]) == {"label": "a", "score": 2}


def test_a_number_that_none_can_hold_is_no_json(bench: Bench) -> None:
    data = line(analysis("bad", label="a")).replace(b'"a"', b'"a", "score": 1e999')
    assert bench.run(transcripts=line(transcript("bad")), analyses=data)[0][3] == "invalid_json"


@pytest.mark.parametrize("mark", ["\u2028", "\u2029", "\u0085", "\x1c", "\x0b"])
def test_marks_that_some_readers_take_for_line_ends_stay_within_a_record(bench: Bench, mark: str) -> None:
    schema = {**TARGET, "properties": {**TARGET["properties"], "note": {"type": "string"}}}
    bench.system.path("schemas", "target.schema.json").write_text(json.dumps(schema))
    note = f"one{mark}two"
    raw = json.dumps(analysis("odd", label="a", note=note), ensure_ascii=False).encode() + b"\n"
    bench.run(transcripts=line(transcript("odd")), analyses=raw + raw.replace(b"odd", b"lone"))
    kept = {row["id"]: json.loads(row["target"]) for row in bench.rows()}
    assert kept["odd"]["note"] == note
    text = bench.system.path("data", "rejected.jsonl").read_text(encoding="utf-8")
    assert [json.loads(one)["id"] for one in text.removesuffix("\n").split("\n")] == ["lone"]
