"""docs/scoring.md says what is so, every kind of field is asked, and evaluate.scores is refused before any work where it is wrong."""

import inspect
import json
import pkgutil
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
import tiny

from plateau.core.errors import BadInputError
from plateau.core.figures import from_json, shape, to_json
from plateau.core.system import System
from plateau.data import asked, fields
from plateau.evaluation import field_figures, kinds, scoring
from plateau.evaluation.kinds import registry
from plateau.evaluation.kinds.base import Kind
from plateau.metrics.evaluate import Arm, Statistics

ROOT = Path(__file__).parent.parent
DOCUMENT = (ROOT / "docs" / "scoring.md").read_text(encoding="utf-8")
ROWS = [
    [cell.strip() for cell in line.strip("|").split(" | ")] for line in DOCUMENT.split("\n") if line.startswith("| `{")
]


def target(cell: str) -> object:
    """A target whose field `a` holds what a cell of the document says."""
    if cell == "not JSON":
        return scoring.parse(cell)
    return {} if cell == "left out" else {"a": json.loads(cell.strip("`"))}


@pytest.mark.parametrize("row", ROWS, ids=[" ".join(row[-3:-1]) for row in ROWS])
def test_every_example_of_the_document_is_so(row: list[str]) -> None:
    schema, *own, truth, answer, points = row
    whole = {"type": "object", "properties": {"a": json.loads(schema.strip("`"))}}
    rules = scoring.Rules(asked={"a": json.loads(own[0].strip("`"))} if own else {})
    assert list(asked.mistakes(fields.fields(whole), rules.asked)) == []
    found = scoring.total(scoring.scored(whole, [target(truth)], [target(answer)], rules), 1)[0]
    assert found == pytest.approx(float(points), abs=5e-4)


def test_the_code_of_the_document_runs() -> None:
    assert len(ROWS) > 25
    for code in re.findall(r"```python\n(.*?)```", DOCUMENT, re.DOTALL):
        exec(code, {})


def test_every_kind_in_a_file_is_asked_and_explains_its_figures() -> None:
    found = set()
    for name in (info.name for info in pkgutil.iter_modules(kinds.__path__)):
        module = import_module(f"plateau.evaluation.kinds.{name}")
        found |= {
            one for _, one in inspect.getmembers(module, inspect.isclass) if issubclass(one, Kind) and one is not Kind
        }
    assert found == set(registry.KINDS), "a kind needs a line in plateau/evaluation/kinds/registry.py"
    properties = {
        "boolean": {"type": "boolean"}, "class": {"enum": ["x"]}, "number": {"type": "number"}, "text": {"type": "string"},
        "list": {"type": "array", "items": {"type": "object", "properties": {"x": {"type": "string"}}}},
        "map": {"type": "object"}, "exact": {"type": "string", "format": "date"}, "choice": {"type": ["string", "number"]},
    }  # fmt: skip
    scored = scoring.scored({"properties": properties}, [{}, {}], [{}, {}])
    assert [one.kind.name for one in scored] == list(properties)
    assert {kind.name for kind in registry.KINDS} == {*properties, "object"}
    assert {name for one in scored for name in one.statistics} == set(shape(Statistics))


def test_figures_of_every_kind_are_what_the_class_of_the_metrics_file_holds() -> None:
    item = {"type": "object", "properties": {"x": {"type": "string"}, "n": {"type": "number"}}}
    target = {
        "properties": {
            "steps": {"type": "array", "items": item}, "tags": {"type": "array", "items": {"enum": ["a", "b"]}},
            "free": {"type": "object", "additionalProperties": {"type": "integer"}}, "day": {"type": "string", "format": "date"},
            "either": {"type": ["string", "number"]}, "sure": {"type": ["boolean", "null"]}, "note": {"type": "string"},
        }
    }  # fmt: skip
    golds = [
        {"steps": [{"x": "a", "n": 1}, {"x": "b", "n": 5}], "tags": ["a"], "free": {"k": 1}, "day": "2026-01-02", "either": 3, "sure": None},
        {"steps": [], "sure": True, "note": "x"},
        {},
    ]  # fmt: skip
    answers = [golds[1], golds[0], scoring.parse("no JSON")]
    rules = scoring.Rules.learnt(target, golds)
    found = {
        one.field.name: field_figures.report(one, 100, 0.95, 0) for one in scoring.scored(target, golds, answers, rules)
    }
    written = {name: to_json(one) for name, one in found.items()}
    assert to_json(from_json(Arm, {"fields": written}, "arm"))["fields"] == written
    assert written["steps"]["items"]["x"]["pairs"] == 0
    assert rules.scales == {"steps[].n": pytest.approx(3.92)}


TARGET = {
    "type": "object",
    "properties": {"mood": {"enum": ["a", "b"]}, "count": {"type": "integer"}, "note": {"type": "string"}, "steps": {"type": "array", "items": {"type": "string"}}},
}  # fmt: skip


@pytest.mark.parametrize(
    ("wanted", "line"),
    [
        ({"mod": {"weight": 2}}, "evaluate.scores.mod: no field of the target; did you mean 'mood'?"),
        ({"count": {"kind": "text"}}, "evaluate.scores.count.kind: text is for texts"),
        ({"note": {"kind": "set"}}, "evaluate.scores.note.kind: set is for lists"),
        ({"note": {"ordered": True}}, "evaluate.scores.note.ordered: only lists have an order"),
        ({name: {"kind": "ignore"} for name in TARGET["properties"]}, "evaluate.scores: no field is left that counts"),
        ({"mood": {"kind": "fuzzy"}}, 'evaluate.scores.mood.kind: "fuzzy" is not allowed'),
        ({"mood": {"wieght": 2}}, "unknown key 'evaluate.scores.mood.wieght'"),
        ({"mood": {"weight": -1}}, "evaluate.scores.mood.weight: -1 is not allowed"),
    ],
)
def test_a_score_that_cannot_be_is_refused_before_training(wanted: object, line: str, tmp_path: Path) -> None:
    tiny.write_params(tmp_path, {"evaluate.scores": wanted})
    (tmp_path / "schemas").mkdir()
    (tmp_path / "schemas" / "target.schema.json").write_text(json.dumps(TARGET))
    with pytest.raises(BadInputError, match=re.escape(line)):
        asked.check(System(tmp_path))
    done = subprocess.run(
        [sys.executable, "-m", "stages.train", str(tmp_path)], cwd=ROOT, capture_output=True, text=True
    )
    assert (done.returncode, line in done.stderr, "Traceback" in done.stderr) == (2, True, False)


def test_a_score_that_can_be_is_taken(tmp_path: Path) -> None:
    wanted = {"steps": {"kind": "set", "ordered": True}, "note": {"kind": "exact", "weight": 0}, "mood": {"weight": 2}}
    tiny.write_params(tmp_path, {"evaluate.scores": wanted})
    (tmp_path / "schemas").mkdir()
    (tmp_path / "schemas" / "target.schema.json").write_text(json.dumps(TARGET))
    asked.check(System(tmp_path))
