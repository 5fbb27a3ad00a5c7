"""Corrected labels lie over the analyses: partial, the last counts, both values are kept, and what is wrong is named."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from plateau.core.system import System
from stages import prepare
from tests.contracts import metrics_problems

TARGET = {
    "type": "object",
    "additionalProperties": False,
    "required": ["topic", "stars"],
    "properties": {
        "topic": {"enum": ["billing", "technical", "=odd"]},
        "stars": {"type": "integer", "minimum": 1, "maximum": 5},
        "solved": {"type": "boolean"},
        "risk": {"type": "object", "properties": {"churn": {"type": "number"}}},
    },
}
REVIEW = "reason,id,split,field,label,other_label,other_id,score,text\n"


def system(root: Path, **labels: str | bytes) -> System:
    """Six conversations about bills, and files in data/labels; two underscores in a name are a dot."""
    for name in ("data/raw", "data/labels", "schemas"):
        (root / name).mkdir(parents=True)
    (root / "schemas" / "target.schema.json").write_text(json.dumps(TARGET))
    turns = [{"role": "customer", "text": "my bill"}]
    target = {"topic": "billing", "stars": 3, "solved": True}
    lines = {
        "transcripts": [{"id": f"c{number}", "turns": turns} for number in range(6)],
        "analyses": [{"id": f"c{number}", "target": target} for number in range(6)],
    }
    for name, rows in lines.items():
        (root / "data" / "raw" / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    for name, content in labels.items():
        data = content.encode() if isinstance(content, str) else content
        (root / "data" / "labels" / name.replace("__", ".")).write_bytes(data)
    return System(root)


def run(made: System) -> dict[str, Any]:
    """The targets by id."""
    prepare.main(made, {"prepare": {"max_rejected": 0.1}})
    rows = pq.read_table(made.path("data", "prepared.parquet")).to_pylist()
    return {row["id"]: json.loads(row["target"]) for row in rows}


def lines(made: System, name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in made.path("data", f"{name}.jsonl").read_text().split("\n") if line]


def counts(made: System) -> dict[str, int]:
    figures = json.loads(made.metrics("prepare").read_text())
    assert metrics_problems("prepare", figures) == []
    found: dict[str, int] = figures["corrections"]
    return found


def test_partial_corrections_change_their_fields_alone_and_both_values_are_kept(tmp_path: Path) -> None:
    given = [
        {"id": "c1", "topic": "technical", "who": "ann"},
        {"id": "c2", "stars": 5, "risk.churn": 0.5},
        {"id": "c3", "solved": None},
    ]
    made = system(tmp_path, a__jsonl="".join(json.dumps(line) + "\n" for line in given))
    found = run(made)
    assert found["c0"] == {"topic": "billing", "stars": 3, "solved": True}
    assert found["c1"] == {"topic": "technical", "stars": 3, "solved": True}
    assert found["c2"] == {"topic": "billing", "stars": 5, "solved": True, "risk": {"churn": 0.5}}
    assert found["c3"] == {"topic": "billing", "stars": 3}
    assert counts(made) == {"lines": 3, "applied": 4, "unchanged": 0, "not_approved": 0, "refused": 0}
    kept = lines(made, "corrected")
    assert kept[0] == {
        "id": "c1",
        "field": "topic",
        "was": "billing",
        "is": "technical",
        "who": "ann",
        "when": None,
        "file": "data/labels/a.jsonl",
        "line": 1,
    }
    assert len(kept) == 4
    assert (
        json.loads(made.path("data", "raw", "analyses.jsonl").read_text().split("\n")[1])["target"]["topic"]
        == "billing"
    )


def test_the_last_one_counts_and_what_is_not_approved_does_not(tmp_path: Path) -> None:
    made = system(
        tmp_path,
        a__csv="id,stars,when\nc1,1,2026-03-02\nc2,1,\nc3,1,\n",
        b__csv="id,stars,when,approved\nc1,5,2026-03-01,true\nc2,5,,yes\nc3,5,,False\n",
    )
    assert [run(made)[f"c{number}"]["stars"] for number in (1, 2, 3)] == [1, 5, 1]
    assert counts(made)["not_approved"] == 1


@pytest.mark.parametrize("form", ["as it is", "excel", "pandas"])
def test_a_filled_in_copy_of_the_review_is_a_correction_as_it_is(form: str, tmp_path: Path) -> None:
    """Labels that were left as they are correct nothing, also where another line of the same record has the right one."""
    body = [
        ["doubtful", "c1", "train", "topic", "technical", "technical", "", "1.5", "Customer: Rückgabe,\nmy bill"],
        ["conflicting", "c1", "train", "topic", "billing", "technical", "c2", "0.9", "'=1+1"],
        ["conflicting", "c2", "train", "topic", "'=odd", "technical", "c1", "0.9", "x"],
        ["doubtful", "c3", "train", "solved", "(none)", "false", "", "0.9", "x"],
    ]
    stream = io.StringIO()
    writer = csv.writer(stream, delimiter=";" if form == "excel" else ",")
    names = REVIEW.strip().split(",")
    writer.writerows(
        [["", *names], *([str(n), *row] for n, row in enumerate(body))] if form == "pandas" else [names, *body]
    )
    made = system(tmp_path, review__csv=stream.getvalue().encode("cp1252" if form == "excel" else "utf-8"))
    found = run(made)
    assert [found[name]["topic"] for name in ("c0", "c1", "c2")] == ["billing", "technical", "=odd"]
    assert "solved" not in found["c3"]
    assert counts(made) == {"lines": 4, "applied": 3, "unchanged": 0, "not_approved": 0, "refused": 0}


def test_an_unknown_id_field_or_value_is_a_reject_that_names_it_and_the_rest_goes_on(tmp_path: Path) -> None:
    given = [
        {"id": "c9", "stars": 1},
        {"id": "c1", "mood": "bad"},
        {"id": "c2", "topic": "biling"},
        {"stars": 1},
        {"id": "c3", "stars": 1},
    ]
    made = system(
        tmp_path,
        a__jsonl="".join(json.dumps(line) + "\n" for line in given) + "{nonsense\n",
        notes__docx="x",
        README__md="x",
    )
    assert run(made)["c3"]["stars"] == 1
    assert counts(made) == {"lines": 6, "applied": 1, "unchanged": 0, "not_approved": 0, "refused": 6}
    found = {(one["reason"], one["line"]): one["detail"] for one in lines(made, "rejected")}
    assert "no accepted conversation has the id 'c9'" in found["unknown_id", 1]
    assert "the target has no field 'mood'; it has topic, stars" in found["unknown_key", 2]
    assert '"biling" is not one of' in found["unknown_value", 3]
    assert ("missing_key", 4) in found
    assert ("invalid_json", 6) in found
    assert ("unknown_format", None) in found


def test_without_the_folder_nothing_is_corrected(tmp_path: Path) -> None:
    made = system(tmp_path)
    made.path("data", "labels").rmdir()
    assert set(run(made)) == {f"c{number}" for number in range(6)}
    assert counts(made)["lines"] == 0
    assert lines(made, "corrected") == []
