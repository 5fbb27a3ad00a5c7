"""Data of another shape, mapped to records by params.yaml alone."""

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import jsonschema
import pyarrow.parquet as pq
import pytest

from plateau.core import params
from plateau.core.errors import BadInputError
from plateau.core.system import System
from plateau.data import mapping
from plateau.data.sources import RefusedError
from stages import prepare, temporal
from tests.contracts import metrics_problems
from tests.test_params import ROOT, SCHEMA, stage
from tests.test_star import DATA, needs_data

TARGET = {
    "type": "object",
    "required": ["topic", "stars"],
    "properties": {
        "topic": {"type": "string", "enum": ["billing", "technical"]},
        "stars": {"type": "integer"},
        "solved": {"type": "boolean"},
        "tags": {"type": "array", "items": {"type": "string"}},
        "risk": {"type": "object", "properties": {"churn": {"type": "number"}}},
    },
}
CALL = {
    "call": {"uuid": 17, "begun": "05.03.2025 14:30"},
    "who": {"customer.number": "k1"},
    "messages": [
        {"speaker": "A", "body": "Hello.", "at": 0},
        {"speaker": "S", "body": "Call is recorded.", "at": 1},
        {"speaker": "C", "body": " ", "at": 2.5},
        {"speaker": "C", "body": "My bill is wrong.", "at": 4.5},
    ],
    "wait": "12.5",
}
LABEL = {"ref": "17", "labels": {"topic": "Rechnung", "stars": "4", "ok": "yes"}, "tags": '["a", "b"]', "p": "0.5"}
NESTED: dict[str, Any] = {
    "transcripts": {
        "source": "calls",
        "id": "call.uuid",
        "start": {"path": "call.begun", "format": "%d.%m.%Y %H:%M", "time_zone": "Europe/Berlin"},
        "queue_wait_time_seconds": "wait",
        "customer_id": "who.customer.number",
        "turns": {
            "path": "messages",
            "role": "speaker",
            "text": "body",
            "time": {"path": "at", "format": "offset"},
            "roles": {"A": "agent", "C": "customer", "S": None},
            "skip_blank": True,
        },
    },
    "analyses": {
        "source": "labels",
        "id": "ref",
        "target": {
            "topic": {"path": "labels.topic", "values": {"Rechnung": "billing"}},
            "stars": "labels.stars",
            "solved": "labels.ok",
            "tags": "tags",
            "risk.churn": "p",
        },
    },
}


def system(root: Path, **files: str) -> System:
    (root / "data" / "raw").mkdir(parents=True)
    (root / "schemas").mkdir()
    (root / "schemas" / "target.schema.json").write_text(json.dumps(TARGET))
    for name, text in files.items():
        (root / "data" / "raw" / name.replace("__", ".")).write_text(text, encoding="utf-8")
    return System(root)


def run(made: System, declared: Any) -> list[dict[str, Any]]:
    """Rows that come of a mapping; those rejected go to rejected.jsonl."""
    prepare.main(made, {"prepare": {"max_rejected": 0.99, "mapping": declared}})
    rows: list[dict[str, Any]] = pq.read_table(made.path("data", "prepared.parquet")).to_pylist()
    return rows


def rejects(made: System) -> list[dict[str, Any]]:
    return [json.loads(line) for line in made.path("data", "rejected.jsonl").read_text(encoding="utf-8").splitlines()]


def test_records_without_a_time_go_through_and_say_so(tmp_path: Path) -> None:
    """The second record's split is named, as a public set does; no feature of a clock is made up."""
    declared = {
        "transcripts": {
            "source": "calls",
            "id": "n",
            "split": "part",
            "turns": {"role": {"value": "customer"}, "text": "q"},
        },
        "analyses": {"target": {"topic": "label", "stars": {"value": 3}}},
    }
    lines = [{"n": number, "q": f"hello {number}", "label": "billing", "part": "test"} for number in range(3)]
    del lines[0]["part"]
    made = system(tmp_path, calls__jsonl="".join(json.dumps(line) + "\n" for line in lines))
    rows = run(made, declared)
    assert [(row["id"], row["start"], row["start_utc"], row["split"]) for row in rows] == [
        ("0", None, None, None),
        ("1", None, None, "test"),
        ("2", None, None, "test"),
    ]
    temporal.main(made, {"temporal": params.check(ROOT / "params.yaml")["temporal"]})
    clock = json.loads(made.metrics("temporal").read_text())
    assert metrics_problems("temporal", clock) == []
    assert (clock["start_unknown"], clock["earliest"], clock["business_hours_share"]) == (3, None, None)
    assert set(clock["day_of_week"].values()) == {0}
    [first, *_] = pq.read_table(made.path("data", "temporal.parquet")).to_pylist()
    assert {first[name] for name in ("day_of_week", "time_of_day", "business_hours", "load_last_hour")} == {None}


def test_paths_times_roles_and_labels_become_records_of_the_contract(tmp_path: Path) -> None:
    made = system(tmp_path, calls__jsonl=json.dumps(CALL), labels__jsonl=json.dumps(LABEL))
    [row] = run(made, NESTED)
    assert row | {"start_utc": None} == {
        "id": "17",
        "start": "2025-03-05T14:30:00+01:00",
        "start_utc": None,
        "queue_wait_time_seconds": 12.5,
        "customer_id": "k1",
        "agent_id": None,
        "turns": [
            {"role": "agent", "text": "Hello.", "time": "2025-03-05T14:30:00+01:00"},
            {"role": "customer", "text": "My bill is wrong.", "time": "2025-03-05T14:30:04.500000+01:00"},
        ],
        "target": '{"topic": "billing", "stars": 4, "solved": true, "tags": ["a", "b"], "risk": {"churn": 0.5}}',
    }
    assert rejects(made) == []


ROWS = [
    ("k1", "2025-03-05 09:00", "2", "0", "It is broken.", "technical"),
    ("k2", "2025-03-05 10:00", "5", "0", "My bill, please.", "billing"),
    ("k1", "2025-03-05 09:00", "2", "1", "Let me look.", "technical"),
    ("k2", "2025-03-05 10:00", "5", "1", "Here it is.", "billing"),
    ("", "2025-03-05 10:00", "5", "1", "Whose am I?", "billing"),
]
BY_TURN: dict[str, Any] = {
    "transcripts": {
        "source": "export",
        "id": "id",
        "start": {"path": "start", "format": "%Y-%m-%d %H:%M", "time_zone": "UTC"},
        "turns": {"rows": True, "role": "agent", "text": "text", "roles": {0: "customer", 1: "agent"}},
    },
    "analyses": {"target": {"topic": "topic", "stars": "stars"}},
}


def test_a_table_of_one_turn_a_row_is_gathered_by_id_wherever_the_rows_stand(tmp_path: Path) -> None:
    made = system(tmp_path)
    with made.path("data", "raw", "export.csv").open("w", newline="", encoding="utf-8") as out:
        csv.writer(out).writerows([("id", "start", "stars", "agent", "text", "topic"), *ROWS])
    rows = run(made, BY_TURN)
    assert [(row["id"], [turn["text"] for turn in row["turns"]]) for row in rows] == [
        ("k1", ["It is broken.", "Let me look."]),
        ("k2", ["My bill, please.", "Here it is."]),
    ]
    assert [turn["role"] for turn in rows[0]["turns"]] == ["customer", "agent"]
    assert [(row["line"], row["reason"]) for row in rejects(made)] == [(6, "missing_key")]


IN_TEXT: dict[str, Any] = {
    "transcripts": {
        "source": "calls",
        "id": "id",
        "start": {"value": "2025-03-05T10:00:00Z"},
        "turns": {
            "path": "text",
            "pattern": r"^\[(?P<time>[^\]]*)\] (?P<role>Agent|Customer): ?",
            "time": {"path": "time", "format": "%Y-%m-%d %H:%M:%S", "time_zone": "UTC"},
            "roles": {"Agent": "agent", "Customer": "customer"},
        },
    },
    "analyses": {"source": "labels", "id": "id", "target": "answer"},
}


def test_text_files_are_taken_apart_by_a_pattern(tmp_path: Path) -> None:
    answer = json.dumps({"id": "c1", "answer": {"topic": "billing", "stars": 1}})
    made = system(tmp_path, labels__json=answer)
    folder = made.path("data", "raw", "calls")
    folder.mkdir()
    (folder / "c1.txt").write_text(
        "[2025-03-05 10:00:01] Agent: Hello.\nGood day.\n[2025-03-05 10:00:09] Customer: Agent: hi"
    )
    (folder / "c2.txt").write_text("A note without any speaker.")
    [row] = run(made, IN_TEXT)
    assert row["turns"] == [
        {"role": "agent", "text": "Hello.\nGood day.", "time": "2025-03-05T10:00:01+00:00"},
        {"role": "customer", "text": "Agent: hi", "time": "2025-03-05T10:00:09+00:00"},
    ]
    assert [(found["id"], found["reason"]) for found in rejects(made)] == [("c2", "unknown_role")]


@pytest.mark.parametrize(
    ("value", "field", "made"),
    [
        ("2025-03-05T10:00:00Z", {}, "2025-03-05T10:00:00+00:00"),
        (1741168800, {"format": "unix"}, "2025-03-05T10:00:00+00:00"),
        ("1741168800000", {"format": "unix_ms"}, "2025-03-05T10:00:00+00:00"),
        ("05/03/25 10:00", {"format": "%d/%m/%y %H:%M", "time_zone": "Asia/Kolkata"}, "2025-03-05T10:00:00+05:30"),
        ("2025-07-01 10:00", {"time_zone": "Europe/Berlin"}, "2025-07-01T10:00:00+02:00"),
        ("2025-10-26 02:30", {"time_zone": "Europe/Berlin"}, "2025-10-26T02:30:00+02:00"),
    ],
)
def test_times_are_read_by_their_format_and_zone(value: Any, field: dict[str, str], made: str) -> None:
    part = {"id": {"value": "x"}, "start": {"path": "t", **field}, "turns": {"role": {"value": "agent"}, "text": "x"}}
    part["id"] = "i"
    assert mapping.transcript({"t": value, "x": "y", "i": "1"}, ("f", 1), part)["start"] == made


@pytest.mark.parametrize(
    ("value", "field"),
    [
        ("31.02.2025", {"format": "%d.%m.%Y"}),
        ("2025-03-30 02:30", {"time_zone": "Europe/Berlin"}),
        ("noon", {"format": "unix"}),
        (1e300, {"format": "unix"}),
        ([], {"format": "%Y"}),
        ({}, {}),
    ],
)
def test_a_time_that_cannot_be_is_refused_with_its_key(value: Any, field: dict[str, str]) -> None:
    part = {"id": "i", "start": {"path": "t", **field}, "turns": {"role": {"value": "agent"}, "text": "x"}}
    with pytest.raises(RefusedError) as caught:
        mapping.transcript({"t": value, "x": "y", "i": "1"}, ("f", 1), part)
    assert caught.value.problem.reason == "impossible_time"
    assert caught.value.problem.detail.startswith("start: ")


@pytest.mark.parametrize(
    ("kind", "change", "message"),
    [
        ("transcripts", {"encoding": "utf-99"}, r"transcripts\.encoding: no encoding 'utf-99'"),
        (
            "transcripts",
            {"start": {"path": "x", "time_zone": "Mars"}},
            r"start\.time_zone: 'Mars' is no known time zone",
        ),
        ("transcripts", {"turns": {"path": "x", "pattern": "("}}, r"turns\.pattern: "),
        ("transcripts", {"turns": {"path": "x", "pattern": "^A:"}}, "it must name the speaker"),
    ],
)
def test_a_mapping_that_cannot_work_is_one_clear_line(kind: str, change: Any, message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        mapping.check({**NESTED, kind: {**NESTED[kind], **change}})


@pytest.mark.parametrize("declared", [NESTED, BY_TURN, IN_TEXT])
def test_the_schema_of_params_knows_every_mapping_shown_here(declared: Any) -> None:
    schema = {**SCHEMA["properties"]["prepare"]["properties"]["mapping"], "$defs": SCHEMA["$defs"]}
    jsonschema.validate(declared, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**declared, "transcripts": {**declared["transcripts"], "strat": "x"}}, schema)


def test_a_preview_shows_raw_text_record_and_prompt_and_writes_nothing(tmp_path: Path, tokenizer_dir: Path) -> None:
    made = system(tmp_path, calls__jsonl=json.dumps(CALL), labels__jsonl=json.dumps(LABEL))
    shutil.copytree(tokenizer_dir, tmp_path / "models" / "base")
    values = params.parse((ROOT / "params.yaml").read_text())
    values["prepare"]["mapping"] = NESTED
    made.path("params.yaml").write_text(json.dumps(values))
    done = stage("prepare", str(tmp_path), "--preview", "2")
    assert (done.returncode, done.stderr) == (0, "")
    assert '"uuid": 17' in done.stdout
    assert '"customer_id": "k1"' in done.stdout
    assert 'Customer: My bill is wrong.<|assistant|>\u00ab{"topic": "billing"' in done.stdout
    assert sorted(path.name for path in made.path("data").iterdir()) == ["raw"]


def test_a_preview_of_rejects_shows_them_alone_each_with_its_reason(tmp_path: Path) -> None:
    begun = {"uuid": 19, "begun": "noon"}
    calls = [CALL, {**CALL, "call": {**CALL["call"], "uuid": 18}}, {**CALL, "call": begun}]
    labels = [LABEL, {**LABEL, "ref": "19"}, {**LABEL, "ref": "20"}]
    texts = ("\n".join(map(json.dumps, records)) for records in (calls, labels))
    made = system(tmp_path, **dict(zip(("calls__jsonl", "labels__jsonl"), texts, strict=True)))
    values = params.parse((ROOT / "params.yaml").read_text())
    values["prepare"]["mapping"] = NESTED
    made.path("params.yaml").write_text(json.dumps(values))
    done = stage("prepare", str(tmp_path), "--preview", "9", "--rejects")
    assert (done.returncode, done.stderr) == (0, "")
    shown = [page.partition("\n\n")[0] for page in done.stdout.split("===== ")[1:]]
    assert [page.partition("rejected\n")[2].partition(":")[0] for page in shown] == [
        "impossible_time",
        "missing_analysis",
        "missing_transcript",
    ]


@needs_data
def test_real_data_in_another_shape_needs_no_code(tmp_path: Path) -> None:
    made = system(tmp_path)
    made.path("schemas", "target.schema.json").write_text(
        '{"required": ["task"], "properties": {"task": {"type": "string"}}}'
    )
    shutil.copy(DATA / "star_dialogues.jsonl.gz", made.path("data", "raw"))
    declared = {
        "transcripts": {
            "source": "star_dialogues",
            "id": "dialogue_id",
            "start": {"path": "turns.0.t", "format": "unix"},
            "customer_id": "customer_id",
            "turns": {
                "path": "turns",
                "role": "role",
                "text": "text",
                "time": {"path": "t", "format": "unix"},
                "skip_blank": True,
            },
        },
        "analyses": {"target": {"task": "task"}},
    }
    rows = run(made, declared)
    assert len(rows) == 4396
    assert {found["detail"] for found in rejects(made)} == {
        "start: nothing at 'turns.0.t'",
        "target.record: 'task' is a required property",
    }
