"""Gates that people write themselves: found by path before there is a file, judged like the others; and waivers."""

import copy
import json
import math
import re
from pathlib import Path
from typing import Any

import pytest
import test_gates
import tiny
from hypothesis import given
from hypothesis import strategies as st

from plateau.core import params
from plateau.core.errors import BadInputError
from plateau.core.figures import from_json
from plateau.core.system import System
from plateau.data import fields
from plateau.decision import gates, judging, paths, wanted
from plateau.decision.criteria import READABLE, Criteria, Criterion
from plateau.metrics.evaluate import Evaluate
from plateau.metrics.files import FILES
from plateau.metrics.gates import Gates
from plateau.metrics.overfit import Overfit
from plateau.report import report
from tools.deps import ROOT

SCHEMA = {
    "type": "object",
    "properties": {
        "mood": {"enum": ["calm", "angry"]},
        "risk": {"type": "number", "minimum": 0, "maximum": 1},
        "lost": {"type": "boolean"},
        "call": {"type": "object", "properties": {"note": {"type": "string"}}},
    },
}
MEASURED = {
    "rows": 200,
    "generated": 120,
    "present": 120,
    "risk": {
        "spearman": 0.85,
        "spearman_low": 0.78,
        "spearman_high": 0.9,
        "mae": 0.1,
        "mae_low": 0.05,
        "mae_high": 0.2,
    },
}


def criterion(**changes: Any) -> dict[str, Any]:
    entry = {"name": "rank", "file": "evaluate", "figure": "arms.adapter.fields.risk.spearman", "rule": ">="}
    return {**entry, "target": 0.8, "why": "a model that ranks badly", **changes}


def evaluated(rows: int = 120, **figures: Any) -> Evaluate:
    """The evaluation that passes every gate of Plateau's own, with figures of the field risk."""
    found = copy.deepcopy(test_gates.EVALUATE)
    found["arms"]["adapter"]["fields"] = {
        "risk": {"kind": "number", "rows": rows, "present": rows, **MEASURED["risk"], **figures}
    }
    return from_json(Evaluate, found, "evaluate.json")


def judged(
    entries: list[dict[str, Any]], evaluate: Evaluate | None = None, waived: dict[str, str] | None = None, **gates: Any
) -> Gates:
    overfit = from_json(Overfit, test_gates.OVERFIT, "overfit.json")
    evaluate = evaluate or evaluated()
    own = Criteria.read(System(Path()), entries, evaluate=evaluate, overfit=overfit)
    return judging.judge({**test_gates.PARAMS, "waived": waived or {}, **gates}, overfit, evaluate, "0" * 64, own)


def row_of(found: Gates, name: str = "rank") -> Any:
    return next(row for row in found.rows if row.criterion == name)


@pytest.mark.parametrize(
    ("changes", "actual", "status"),
    [
        ({}, 0.78, "fail"),
        ({"target": 0.78}, 0.78, "pass"),
        ({"rule": ">", "target": 0.78}, 0.78, "fail"),
        ({"bound": None, "target": 0.7}, 0.78, "pass"),
        ({"bound": "value"}, 0.85, "pass"),
        ({"bound": "high"}, 0.9, "pass"),
        ({"figure": "arms.adapter.fields.risk.spearman_high"}, 0.9, "pass"),
        ({"figure": "arms.adapter.fields.risk.mae", "rule": "<=", "target": 0.15}, 0.2, "fail"),
        ({"figure": "arms.adapter.fields.risk.mae", "rule": "<", "target": 0.2}, 0.2, "fail"),
        ({"figure": "arms.adapter.fields.risk.mae", "rule": "<", "target": 0.21}, 0.2, "pass"),
        ({"figure": "leaks.later_rows", "rule": "==", "target": 0}, 0, "pass"),
        ({"file": "metrics/evaluate.json"}, 0.78, "fail"),
        ({"file": "overfit", "figure": "verdict", "rule": "==", "target": "healthy"}, "healthy", "pass"),
        ({"file": "overfit", "figure": "verdict", "rule": "==", "target": "overfit"}, "healthy", "fail"),
        ({"figure": "scrutiny.shortcuts.mood.context_decides", "rule": "==", "target": False}, "false", "pass"),
    ],
)
def test_a_criterion_judges_the_unfavourable_end_of_its_figure_unless_it_names_another(
    changes: dict[str, Any], actual: object, status: str
) -> None:
    found = judged([criterion(**changes)])
    assert (row_of(found).actual, row_of(found).status) == (actual, status)
    assert found.answer == ("ship" if status == "pass" else "do_not_ship")
    assert ("rank is" in found.reason) == (status == "fail")


@pytest.mark.parametrize("missing", [None, math.nan, math.inf])
def test_a_figure_that_is_missing_or_no_number_never_passes_and_the_reason_says_what_is_missing(
    missing: object,
) -> None:
    found = judged([criterion()], evaluated(spearman_low=missing))
    assert (row_of(found).status, row_of(found).actual) == ("missing", None)
    assert found.answer == "insufficient_evidence"
    assert "arms.adapter.fields.risk.spearman of metrics/evaluate.json: it has no low end" in found.reason


@pytest.mark.parametrize(
    ("figure", "said"),
    [
        ("arms.linear.score", "there is no 'linear'"),
        ("arms.adapter.fields.mood.accuracy", "there is no 'mood'"),
        ("diagnostics.memorisation.p_value", "it is null|there is no 'p_value'"),
    ],
)
def test_a_figure_that_the_run_lacks_never_passes(figure: str, said: str) -> None:
    found = judged([criterion(figure=figure)])
    assert row_of(found).status == "missing"
    assert re.search(said, row_of(found).note), row_of(found).note


def test_an_interval_from_fewer_than_30_rows_never_decides_for_shipping_but_may_decide_against_it() -> None:
    passes, fails = criterion(target=0.5), criterion(target=0.8)
    assert row_of(judged([passes], evaluated(rows=30))).status == "pass"
    thin = judged([passes], evaluated(rows=29))
    assert (row_of(thin).status, thin.answer) == ("missing", "insufficient_evidence")
    assert "29 rows" in thin.reason
    assert row_of(judged([fails], evaluated(rows=29))).status == "fail"


def test_criteria_on_every_file_that_is_written_before_the_gates(tmp_path: Path) -> None:
    (tmp_path / "metrics").mkdir()
    (tmp_path / "metrics" / "split.json").write_text(json.dumps({"rows": {"train": 1500}}))
    entry = criterion(file="split", figure="rows.train", target=1000)
    own = Criteria.read(System(tmp_path), [entry])
    assert own.measure(own.listed[0]).actual == 1500
    (tmp_path / "metrics" / "split.json").unlink()
    with pytest.raises(BadInputError, match=r"split\.json"):
        Criteria.read(System(tmp_path), [entry])
    assert set(READABLE) == set(FILES) - {"headline", "gates", "scores", "unsealed", "loss", "confusion"}


TYPOS = {
    "arms.adaptor.score": "did you mean 'adapter'?",
    "arms.fused.score": "has no 'fused'",
    "arms.adapter.fields.riks.mae": "did you mean 'risk'?",
    "arms.adapter.fields.risk.spearmann": "did you mean 'spearman'?",
    "arms.adapter.fields.risk.accuracy": "risk is scored as number, which has score, mae, spearman",
    "arms.adapter.fields.mood.spearman": "mood is scored as class",
    "arms.adapter.fields.risk": "it holds several figures; name one of kind, rows",
    "arms": "name one of base, adapter, majority, linear",
    "arms.adapter.score.low": "'score' is a figure and has no 'low' below it",
    "arms.adapter.score_low.x": "'score_low' is a figure",
    "comparisons.adapter_vs_bass.score.difference": "did you mean 'adapter_vs_base'?",
    "leaks.nera": "did you mean 'near'?",
    "scrutiny.label_noise.risk.ceiling": "has no 'risk'",
    "arms.adapter.fields.mood.by_class.angri.recall": "mood has no class 'angri'; there are calm, angry, (none)",
    "arms.adapter.fields.risk.by_class.high.recall": "risk has no classes",
    "scrutiny.slices.first.score": "'first' is no number of an item",
    "": "it holds several figures",
}


@pytest.fixture
def system(tmp_path: Path) -> System:
    (tmp_path / "schemas").mkdir()
    (tmp_path / "schemas" / "target.schema.json").write_text(json.dumps(SCHEMA))
    return System(tmp_path)


def refusal(system: System, **changes: Any) -> str:
    """What `wanted.check` says of a params.yaml; empty where it accepts it."""
    tiny.write_params(
        system.path(),
        {"evaluate.arms": ["base", "adapter"], **{f"gates.{key}": value for key, value in changes.items()}},
    )
    try:
        wanted.check(system)
    except BadInputError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("figure", [path for path in TYPOS if path])
def test_a_path_that_leads_to_no_figure_is_refused_in_one_line_that_says_what_there_is(
    system: System, figure: str
) -> None:
    said = refusal(system, criteria=[criterion(figure=figure)])
    assert said.count("\n") == 0
    assert TYPOS[figure] in said
    assert said.startswith(f"{system.path('params.yaml')}: gates.criteria.0: '{figure}'")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"file": "evalute"}, "there is no metrics/evalute.json"),
        ({"file": "gates", "figure": "answer"}, "is written after the gates"),
        ({"file": "speed", "figure": "train.seconds"}, "timings differ from run to run"),
        ({"target": "high"}, "it is a number, and the target 'high' is not"),
        ({"file": "overfit", "figure": "verdict", "rule": "==", "target": "helthy"}, "never helthy"),
        ({"file": "overfit", "figure": "verdict", "rule": ">=", "target": "healthy"}, "only the rule =="),
        ({"file": "overfit", "figure": "verdict", "rule": "==", "target": 1}, "it is a word"),
        ({"figure": "leaks.near", "bound": "low"}, "it has no interval"),
        ({"name": "drift"}, "is a gate of Plateau's own"),
        ({"figur": "x"}, "unknown key 'gates.criteria.0.figur'; did you mean 'figure'?"),
        ({"rule": "=>"}, "must be one of >=, >, <=, <, =="),
        ({"name": "My gate"}, "gates.criteria.0.name"),
    ],
)
def test_a_criterion_that_nothing_can_answer_is_refused_in_one_line(
    system: System, changes: dict[str, Any], said: str
) -> None:
    found = refusal(system, criteria=[criterion(**changes)])
    assert said in found
    assert found.count("\n") == 0


def test_a_name_stands_once(system: System) -> None:
    assert refusal(system, criteria=[criterion(), criterion()]).count("'rank' stands twice") == 2


# Of documents that people wrote before there was a pipeline: what had to hold before a model was used.
FALSE = "arms.adapter.fields.lost.by_class.true.false_positives.rate"
SEEDS = {
    "pairs": [
        criterion(name="spearman", target=0.80),
        criterion(name="roc_auc", target=0.95, figure="arms.adapter.fields.lost.balanced_accuracy"),
        criterion(name="adapter_applied", rule=">", target=0, figure="adapter_effect.max_logit_difference"),
        criterion(name="beats_baseline", rule=">", target=0, figure="comparisons.adapter_vs_base.score.difference"),
        criterion(name="false_positives", rule="<", target=0.2, figure=FALSE),
    ],
    "categories": [
        criterion(name="overall", target=0.7, figure="arms.adapter.fields.mood.accuracy"),
        criterion(name="calm_calls", target=0.8, figure="arms.adapter.fields.mood.by_class.calm.recall"),
        criterion(name="angry_calls", target=0.7, figure="arms.adapter.fields.mood.by_class.angry.recall"),
    ],
}


@pytest.mark.parametrize("table", SEEDS)
def test_tables_of_criteria_that_people_kept_by_hand_can_be_written_down(system: System, table: str) -> None:
    assert refusal(system, criteria=SEEDS[table]) == ""


@pytest.mark.parametrize(
    ("waived", "said"),
    [
        ({"drfit": "new region"}, "gates.waived.drfit: no such gate; did you mean 'drift'?"),
        ({"drift": "  "}, "gates.waived.drift: say why"),
        ({"drift": ""}, "gates.waived.drift"),
        ({"drift": None}, "gates.waived.drift"),
        ({"test_rows": "only a trial"}, "too little evidence cannot be waived"),
        ({"generated_rows": "only a trial"}, "too little evidence cannot be waived"),
        ({"evidence": "only a trial"}, "too little evidence cannot be waived"),
    ],
)
def test_a_waiver_without_gate_or_reason_and_one_of_evidence_is_refused(
    system: System, waived: dict[str, Any], said: str
) -> None:
    found = refusal(system, waived=waived)
    assert said in found
    assert found.count("\n") == 0


def test_a_criterion_of_ones_own_can_be_waived_by_name(system: System) -> None:
    assert refusal(system, criteria=[criterion()], waived={"rank": "a trial run", "drift": "new region"}) == ""


def test_every_mistake_has_a_line_of_its_own(system: System) -> None:
    found = refusal(system, criteria=[criterion(figure="x"), criterion(name="b", figure="y")], waived={"z": "w"})
    assert len(found.split("\n")) == 3


def test_a_waived_gate_ships_with_waivers_which_gate_and_page_show() -> None:
    found = judged([criterion()], waived={"rank": "new region since June"})
    assert (found.answer, found.ships) == ("ship_with_waivers", True)
    assert found.waived == {"rank": "new region since June"}
    assert row_of(found).status == "waived"
    assert "rank (new region since June)" in found.reason
    assert report.waivers(found) == ["waived: rank: new region since June"]
    assert "new region since June" in report.gate_table(found.rows)


def test_a_waiver_of_a_gate_that_passes_changes_nothing_and_is_said() -> None:
    plain, found = judged([]), judged([], waived={"drift": "new region"})
    assert (found.answer, found.rows, found.waived) == ("ship", plain.rows, {})
    assert found.needless_waivers == ["drift"]
    assert report.waivers(found) == ["waiver not needed: drift passes, or is not asked"]


def test_too_little_evidence_is_never_waived_whatever_params_say() -> None:
    few = copy.deepcopy(test_gates.EVALUATE)
    few["generated"] = 29
    found = judged([], from_json(Evaluate, few, ""), waived={"generated_rows": "a trial"}, min_test_rows=2)
    assert found.answer == "insufficient_evidence"
    assert "generated_rows is 29, target >= 30" in found.reason


FAULTS = [name for name in test_gates.FIGURES if name not in ("test_rows", "generated_rows")]


@given(failing=st.sets(st.sampled_from(FAULTS)), waived=st.sets(st.sampled_from([*FAULTS, *gates.EVIDENCE])))
def test_ship_means_that_all_pass_and_with_waivers_that_all_others_are_waived(
    failing: set[str], waived: set[str]
) -> None:
    evaluate = copy.deepcopy(test_gates.EVALUATE)
    for name in failing:
        place: Any = evaluate
        for key in test_gates.FIGURES[name][:-1]:
            place = place[key]
        place[test_gates.FIGURES[name][-1]] = test_gates.FAILING[name]
    read = from_json(Evaluate, evaluate, "")
    bare = judged([], read)
    short = {row.criterion for row in bare.rows if row.status != "pass"}
    found = judged([], read, waived=dict.fromkeys(waived, "because"))
    assert (bare.answer == "ship") == (not short)
    assert found.ships == (short <= waived)
    assert (found.answer == "ship_with_waivers") == (bool(short) and short <= waived)
    assert set(found.waived) == short & waived
    assert set(found.needless_waivers) == waived - short


def dotted(value: Any, place: str = "") -> list[tuple[str, Any]]:
    """Every figure of a metrics file with its path, as it stands in the file."""
    if isinstance(value, dict):
        return [pair for key, inner in value.items() for pair in dotted(inner, f"{place}.{key}" if place else key)]
    if isinstance(value, list):
        return [pair for i, inner in enumerate(value) for pair in dotted(inner, f"{place}.{i}" if place else str(i))]
    return [(place, value)]


@pytest.mark.parametrize("name", ["evaluate", "split", "labels", "train", "temporal", "selection", "convert"])
def test_every_figure_of_the_files_of_the_default_is_found_at_its_path(name: str) -> None:
    content = json.loads((ROOT / "metrics" / f"{name}.json").read_text(encoding="utf-8"))
    read = from_json(FILES[name], content, name)
    target = fields.fields(fields.load_schema(System(ROOT).schema("target")))
    names = wanted.names(target, list(content.get("arms", {})))
    for path, value in dotted(content):
        if value is None and path == "diagnostics.stability":  # a group of figures that was not asked for
            continue
        place = paths.find(FILES[name], path, names)
        found = paths.look(place, read).value
        if place.is_estimate:
            found = getattr(found, place.end or "value")
        assert found == value, path


def test_a_criterion_reads_the_file_name_with_or_without_its_folder_and_ending() -> None:
    assert {Criterion.of(criterion(file=file)).file for file in ("split", "split.json", "metrics/split.json")} == {
        "split"
    }


def test_the_examples_in_the_docs_are_gates_and_waivers_that_the_default_takes(tmp_path: Path) -> None:
    words = (ROOT / "docs" / "reading-the-report.md").read_text(encoding="utf-8")
    blocks = [params.parse(block)["gates"] for block in re.findall(r"```yaml\n(.*?)```", words, flags=re.DOTALL)]
    asked = {key: value for block in blocks for key, value in block.items()}
    assert set(asked) == {"criteria", "waived"}
    (tmp_path / "schemas").symlink_to(ROOT / "schemas")
    tiny.write_params(tmp_path, {f"gates.{key}": value for key, value in asked.items()})
    wanted.check(System(tmp_path))


def test_a_class_is_judged_on_its_own_rows() -> None:
    def of(rows: int, recall: float) -> dict[str, Any]:
        share = {"recall": recall, "recall_low": recall - 0.05, "recall_high": recall + 0.05}
        return {
            "rows": rows,
            **share,
            "false_positives": {"rows": 120 - rows, "rate": 0.1, "rate_low": 0.05, "rate_high": 0.15},
        }

    found = copy.deepcopy(test_gates.EVALUATE)
    mood = {"kind": "class", "rows": 120, "present": 120, "by_class": {"calm": of(100, 0.9), "angry": of(20, 0.9)}}
    found["arms"]["adapter"]["fields"] = {"mood": mood}
    place = "arms.adapter.fields.mood.by_class"
    entries = [
        criterion(name="calm", figure=f"{place}.calm.recall", target=0.85),
        criterion(name="angry", figure=f"{place}.angry.recall", target=0.85),
        criterion(name="angry_value", figure=f"{place}.angry.recall", target=0.85, bound="value"),
        criterion(name="false", figure=f"{place}.angry.false_positives.rate", rule="<", target=0.2),
    ]
    rows = judged(entries, from_json(Evaluate, found, "")).rows[-4:]
    assert [row.status for row in rows] == ["pass", "missing", "missing", "pass"]
    assert rows[1].note == "rests on 20 rows; it takes 30"
