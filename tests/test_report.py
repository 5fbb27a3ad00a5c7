"""The report shows the figures of the metrics files, whatever they hold, and the same ones give the same bytes."""

import csv
import io
import itertools
import json
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import numpy as np
import pyarrow as pa
import pytest
import yaml

from plateau.core import params
from plateau.core.figures import Estimate, Keys, from_json, to_json
from plateau.decision import checkup, judging, overfit, selection
from plateau.decision import curve as reading
from plateau.evaluation import external
from plateau.metrics.convert import Convert
from plateau.metrics.evaluate import Evaluate
from plateau.metrics.evaluations import Point
from plateau.metrics.files import Files
from plateau.metrics.prepare import Prepare
from plateau.metrics.split import Split
from plateau.metrics.train import Train
from plateau.report import card, charts, findings, health, page, report, text
from plateau.report.evidence import Evidence
from tools.deps import ROOT

NASTY = '<script>alert(1)</script> **bold** | `x` [a](b) \x1b[31mred\x1b[0m \u202egnol\u202c & "quoted" \x00'
LABELS = ["billing", "technical", "account"]
SCHEMA = {
    "type": "object",
    "properties": {
        "category": {"enum": LABELS},
        "score": {"type": "number", "minimum": 0, "maximum": 100},
        "note": {"type": "string"},
    },
}
POLICY = {"policy": "latest_within_tolerance", "tolerance": 0.01, "top_k": 3}


def evaluations(val_losses: list[float]) -> list[dict[str, Any]]:
    return [
        {
            "iteration": 100 * i,
            "epoch": i,
            "trained_tokens": 12345 * i,
            "lr": 0.001,
            "train_loss": round(2.0 * 0.8**i, 6),
            "val_loss": loss,
            "val_perplexity": 2.0,
            "batch_loss": 1.0 if i else None,
            "sha256": f"{i:064x}",
        }
        for i, loss in enumerate(val_losses)
    ]


def statistic(name: str, value: float) -> dict[str, Any]:
    return {name: value, f"{name}_low": value - 0.01, f"{name}_high": value + 0.01}


def arm(level: float) -> dict[str, Any]:
    category = {"kind": "class", "rows": 40, "answered": 1.0} | statistic("score", level) | statistic("accuracy", level)
    number = {"kind": "number", "rows": 40, "answered": 1.0} | statistic("score", level) | statistic("mae", 12.3)
    whole = (
        {"perplexity": 3.456, "invented_keys": 0.0, "unfinished": 0.0}
        | statistic("schema_valid", 0.995)
        | statistic("loss", 1.24)
    )
    return {**whole, "fields": {"category": category, "score": number}}


def compared(result: str) -> dict[str, Any]:
    return {
        "rows": 40,
        "difference": 0.6,
        "low": 0.5,
        "high": 0.7,
        "p_value": 0.001,
        "result": result,
        "required_rows": 12,
    }


def figures(val_losses: list[float], rows: int = 500) -> dict[str, Any]:
    """Metrics files of a run with these validation losses, judged by the real code."""
    points = evaluations(val_losses)
    read = from_json(list[Point], points, "evaluations")
    best = reading.best_point(read)
    assert best is not None
    train = {
        "stop_reason": "patience_exhausted",
        "stop_summary": "stopped at 700: patience exhausted",
        "iterations": points[-1]["iteration"],
        "best_iteration": best.iteration,
        "skipped_steps": 0,
    }
    evaluate = {
        "rows": rows,
        "generated": rows,
        "arms": {"base": arm(0.25), "adapter": arm(0.9)},
        "loss_reduction": 0.83,
        "comparisons": {
            "adapter_vs_base": {"score": compared("better"), "fields": {"category": compared("better")}},
            **{f"adapter_vs_{name}": {"score": compared("better")} for name in ("majority", "linear")},
        },
        "adapter_effect": {"max_logit_difference": 3.0},
        "scrutiny": {
            "closeness": {"equal": 0.0, "gain_on_novel_rows": {"linear": compared("better")}},
            "slices": [],
            "label_noise": {},
            "shortcuts": {},
            "score_drop_low": -0.01,
        },
        "fields_worse_than_base": 0,
        "most_invented": 0.0,
        "drift": {
            "valid_rows": 188,
            "test_rows": rows,
            "valid_loss": 0.6,
            "test_loss": 0.61,
            "difference": 0.01,
            "low": -0.1,
        },
        "leaks": {
            "exact": 0.0,
            "near": 0.0,
            "valid_in_train": {"exact": 0.0, "near": 0.0},
            "test_in_valid": {"exact": 0.0, "near": 0.0},
            "repeated": 0.0,
            "answered": 0.0,
            "split_strategy": "time",
            "later_rows": 0,
            "shared_groups": 0,
            "format_differences": [],
            "unseen_labels": {"rows_share": 0.0, "labels": {}},
            "untested_labels": {},
        },
        "diagnostics": {"forgetting": {"base_loss": 3.0, "adapter_loss": 3.01, "rise": 0.01}},
    }
    chosen = selection.choose(read, selection.Policy(**POLICY), 0.05)
    knobs = params.check(ROOT / "params.yaml")
    tested = from_json(Evaluate, evaluate, "evaluate")
    divided = from_json(Split, {"unused_share": 0.01, "dropped": {}}, "split")
    checked = checkup.check(
        read,
        chosen,
        from_json(Train, train, "train"),
        tested,
        divided,
        from_json(Convert, {}, "convert"),
        overfit.Rules(**knobs["overfit"]),
    )
    judged = judging.judge({**knobs["gates"], "min_prompted_opponents": 0}, checked, tested, "0" * 64)
    span = {name: f"2025-0{i}-01T00:00:00Z" for i, name in enumerate(("train", "valid", "test"), 1)}
    found = {
        "prepare": {"accepted": 20613, "rejected_by_reason": {"unknown_role": 3}},
        "temporal": {"business_hours_share": 0.71},
        "split": {"earliest": span, "latest": {**span, "train": "2025-02-01T00:00:00Z"}},
        "convert": {name: {"rows": 1500, "truncated": 7} for name in span},
        "train": train,
        "selection": to_json(chosen),
        "evaluate": evaluate,
        "overfit": to_json(checked),
        "gates": to_json(judged),
        "evaluations": points,
    }
    return {name: to_json(part) for name, part in vars(files(found)).items()}


HEALTHY = [2.1, 1.2, 0.9, 0.7, 0.61, 0.6, 0.602, 0.61]
OVERFIT = [2.1, 1.0, 0.9, 1.1, 1.3, 1.5, 1.8, 2.0]


def files(values: dict[str, Any]) -> Files:
    """Metrics files as the report reads them."""
    hints = get_type_hints(Files, include_extras=True)
    return Files(**{name: from_json(hint, values.get(name), name) for name, hint in hints.items()})


def knobs(title: str = "Contact centre") -> dict[str, Any]:
    values = params.check(ROOT / "params.yaml")
    return {**values, "report": {**values["report"], "title": title}}


def predictions(count: int = 40, nasty: str = "") -> pa.Table:
    rows = []
    for i in range(count):
        gold = {"category": LABELS[i % 3], "score": float(i % 101), "note": nasty or "fine"}
        wrong = {"category": LABELS[(i + (i % 4 == 0)) % 3], "score": float(i % 97), "note": nasty or "fine"}
        for name, output in (("base", nasty or "no json"), ("adapter", json.dumps(wrong))):
            loss = 9.0 if name == "base" else 2.0
            row = {"id": f"c{i:03}", "arm": name, "sample": 0, "tokens": 8, "loss_sum": loss + i / count}
            rows.append({**row, "output": output, "gold": json.dumps(gold)})
    return pa.Table.from_pylist(rows)


def composed(values: dict[str, Any], nasty: str = "", title: str = "Contact centre", **changes: Any) -> page.Page:
    def turns(ids: Any) -> dict[str, findings.Turns]:
        return {name: [(nasty or "customer", nasty or "My bill is wrong.")] for name in ids}

    lengths = {name: np.arange(40, 90, dtype=np.int32) for name in charts.SPLITS}
    whole = {"predictions": predictions(nasty=nasty), "schema": SCHEMA, "turns": turns, "lengths": lengths}
    evidence = Evidence(**{**whole, "hashes": {"models/base/model.safetensors": "ab" * 32}, **changes})
    return report.compose(files(values), knobs(title), ".", evidence)


def html(values: dict[str, Any], nasty: str = "", title: str = "Contact centre") -> str:
    return drawn(json.dumps(values), nasty, title)


@cache
def drawn(values: str, nasty: str, title: str) -> str:
    return page.write_html(composed(json.loads(values), nasty, title))


def markdown(values: dict[str, Any], nasty: str = "", title: str = "Contact centre") -> str:
    return page.write_markdown(composed(values, nasty, title))


class Text(HTMLParser):
    """Collects tags, attributes, tables by caption and the text that a reader sees; SVG left out."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.words: list[str] = []
        self.tables: dict[str, list[list[str]]] = {}
        self.place = ""
        self.inside = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        self.inside += tag in ("svg", "style")
        if tag == "table":
            self.rows: list[list[str]] = []
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
        if tag in ("td", "th", "caption"):
            self.place = tag

    def handle_endtag(self, tag: str) -> None:
        self.inside -= tag in ("svg", "style")
        if tag == "table":
            self.tables[self.caption] = self.rows
        if tag == self.place:
            self.place = ""

    def handle_data(self, data: str) -> None:
        if not self.inside:
            self.words.append(data)
        if self.place == "caption":
            self.caption = data
        elif self.place:
            self.rows[-1][-1] += data

    def values(self, tag: str, attribute: str) -> list[str]:
        return [value for found, name, value in self.attributes if (found, name) == (tag, attribute)]


@cache
def parsed(page_text: str) -> Text:
    found = Text()
    found.feed(page_text)
    return found


def shown(page_text: str) -> str:
    return "\n".join(parsed(page_text).words)


@pytest.mark.parametrize(
    ("losses", "rows", "answer", "verdict"),
    [
        (HEALTHY, 500, "Ship it", "healthy"),
        (OVERFIT, 500, "Do not ship", "overfit"),
        (HEALTHY, 20, "Too little evidence to decide", "healthy"),
    ],
)
def test_answer_and_verdict_stand_first(losses: list[float], rows: int, answer: str, verdict: str) -> None:
    values = figures(losses, rows)
    lines = markdown(values).splitlines()
    assert lines[:5] == ["# Contact centre", "", f"**{answer}**", "", f"Why: {values['gates']['reason']}"]
    assert lines[6].startswith(f"Training is {verdict}: ")
    seen = shown(html(values))
    assert seen.index(answer) < seen.index("Gates") < seen.index("Evaluation points")
    assert f'class="answer {values["gates"]["answer"]}"' in html(values)


def cells(*values: Any) -> list[str]:
    return [text.figure(value) for value in values]


def test_every_table_shows_the_figures_of_its_metrics_file() -> None:
    values = figures(HEALTHY)
    tables = parsed(html(values)).tables
    assert tables["Gates"][1:] == [
        cells(
            row["status"],
            text.spaced(row["criterion"]),
            f"{row['rule']} {text.figure(row['target'])}",
            row["actual"],
            row["gap"],
            row["note"] or "",
        )
        for row in values["gates"]["rows"]
    ]
    assert any(row["note"] for row in values["gates"]["rows"])
    points = ("iteration", "epoch", "trained_tokens", "lr", "train_loss", "val_loss", "val_perplexity")
    assert [row[:7] for row in tables["Evaluation points"][1:]] == [
        cells(*(point[key] for key in points)) for point in values["evaluations"]
    ]
    assert [row[7:9] for row in tables["Evaluation points"][1:]] == [
        cells(point["gap_pct"], text.spaced(point["status"])) for point in values["overfit"]["timeline"]
    ]
    assert tables["Candidates"][1:] == [
        cells(row["iteration"], row["val_loss"], row["train_loss"], row["reason"])
        for row in values["selection"]["candidates"]
    ]
    arms = values["evaluate"]["arms"]
    assert ["perplexity", "3.456", "3.456"] in tables["Arms"]
    assert ["loss", "1.24 (1.23 to 1.25)", "1.24 (1.23 to 1.25)"] in tables["Arms"]
    assert ["category", "accuracy", "0.25 (0.24 to 0.26)", "0.9 (0.89 to 0.91)"] in tables[
        "Fields, with confidence intervals"
    ]
    assert tables["Arms"][0] == ["figure", *arms]
    pair = values["evaluate"]["comparisons"]["adapter_vs_base"]["score"]
    first = ["adapter vs base", "score", *cells(*(pair[key] for key in ("difference", "low", "high", "p_value")))]
    assert tables["Paired comparisons on the same test rows"][1] == [*first, "better", "12"]


def test_every_figure_of_the_metrics_files_is_in_both_reports() -> None:
    values = figures(HEALTHY)
    written, seen = markdown(values), parsed(html(values))
    rows = next(rows for caption, rows in seen.tables.items() if caption.endswith("figures of metrics/"))
    every = {row[0]: row[1] for row in rows[1:]}
    for name, file in values.items():
        for key, value in text.flat(file) if isinstance(file, dict) else ():
            assert every.pop(f"{name}.{key}") == text.figure(value)
            assert f"| {text.markdown(f'{name}.{key}')} | {text.markdown(value)} |" in written
    assert every == {}, "figures that no metrics file holds"


def test_both_reports_have_the_same_tables_and_the_same_words() -> None:
    values = figures(OVERFIT)
    written, seen = markdown(values), parsed(html(values))
    for caption, rows in seen.tables.items():
        assert f"{text.markdown(caption)}:" in written
        for row in rows:
            assert "|" + "|".join(f" {text.markdown(cell)} " for cell in row) + "|" in written
    for section in composed(values).sections:
        assert f"## {section.title}" in written
    assert "My bill is wrong." in written


def test_the_first_screen_shows_the_headline_figures() -> None:
    values = figures(HEALTHY)
    top = to_json(report.headline(files(values)))
    tiles = dict(composed(values).tiles)
    assert tiles["test loss, nats a token"] == top["test_loss"]
    assert tiles["checkpoint"] == "iteration 600"
    assert tiles["score of the base"] == top["base_score"]
    assert (top["answer"], top["verdict"], top["perplexity"]) == ("ship", "healthy", 3.456)


def test_the_curve_marks_what_matters() -> None:
    notes = {point["iteration"]: point["notes"] for point in report.curve(files(figures(OVERFIT)))}
    assert notes[0] == ["base"]
    assert "best" in notes[200]
    assert "onset of overfitting" in notes[300]
    assert notes[700] == ["stop"]
    page_text = html(figures(OVERFIT))
    assert all(f">{label}</text>" in page_text for label in ("best, selected", "onset of overfitting", "stop"))


def test_the_chosen_checkpoint_and_why_not_the_others() -> None:
    values = figures(HEALTHY)
    written = markdown(values)
    for row in values["selection"]["candidates"]:
        assert text.markdown(row["reason"]) in written
    assert values["evaluations"][6]["sha256"] in written
    assert re.search(r"^\| 600 \|.*\| selected \|$", written, re.MULTILINE)
    assert re.search(r"^\| 500 \|.*\| best \|$", written, re.MULTILINE)


def test_risks_are_named_in_both_reports() -> None:
    values = figures(OVERFIT)
    assert values["overfit"]["risks"]
    for risk in values["overfit"]["risks"]:
        assert f"- {text.markdown(risk)}\n" in markdown(values)
        assert risk in shown(html(values))


def test_hashes_params_and_commands_say_how_to_make_it_again() -> None:
    seen = parsed(html(figures(HEALTHY)))
    assert seen.tables["SHA-256 of files"][1] == ["models/base/model.safetensors", "ab" * 32]
    listed = dict(seen.tables["params.yaml"][1:])
    assert listed["lr"] == "0.002"
    assert listed["split.train_size"] == "1500"
    assert {"make repro", "make gate"} <= set(seen.words)


def test_the_worst_rows_come_first_beside_truth_and_base() -> None:
    values = figures(HEALTHY)
    section = next(s for s in composed(values).sections if s.title == "Examples")
    examples = [part for part in section.parts if isinstance(part, page.Example)]
    assert len(examples) == 20
    scores = [float(example.title.rsplit(" ", 1)[1]) for example in examples]
    assert scores == sorted(scores)
    assert examples[0].fields.head == ["field", "gold", "adapter", "base", "score of the adapter"]
    field, gold, answer, base, score = examples[0].fields.rows[0]
    assert (field, base, score) == ("category", None, 0.0)
    assert gold != answer
    assert examples[0].outputs == [("output of base, as it stands", "no json")]


@dataclass(frozen=True)
class Check:
    """one check"""

    label: Annotated[str, "what was looked for"]
    share: Annotated[float, "how often it was found"]


@dataclass(frozen=True)
class More(Prepare):
    """Prepare with figures that the report has never seen."""

    privacy: Annotated[Mapping[str, int], "what was found"]
    checks: Annotated[Sequence[Check], "all checks"]
    overlap: Annotated[Mapping[str, Mapping[str, int]], Keys({"train": "of train", "test": "of test"}), "overlaps"]


def test_every_wrong_answer_is_a_line_of_the_csv_and_no_right_one_is() -> None:
    table = predictions()
    rows = [*findings.generated(table, "adapter"), {"id": "torn", "gold": '{"category": "a"}', "output": "{"}]
    scored = findings.scored(findings.parsed(rows), SCHEMA)
    lines = list(csv.DictReader(io.StringIO(findings.wrong(rows, scored))))
    expected = sum(int((one.score < 1).sum()) for one in scored)
    assert len(lines) == expected > 10
    swapped = [line for line in lines if line["field"] == "category" and line["id"] != "torn"]
    assert {line["id"] for line in swapped} == {f"c{i:03}" for i in range(0, 40, 4)}
    assert all(json.loads(line["truth"]) != json.loads(line["answer"]) for line in swapped)
    assert next(line["answer"] for line in lines if line["id"] == "torn") == ""


@pytest.mark.parametrize(
    ("answer", "words"), [("do_not_ship", "nothing in training; what does not pass: "), ("ship", "none needed")]
)
def test_what_to_change_names_the_gates_where_training_is_not_at_fault(answer: str, words: str) -> None:
    values = figures(HEALTHY)
    values["overfit"]["suggestion"] = "none needed"
    values["gates"]["answer"] = answer
    values["gates"]["rows"][0]["status"] = "fail" if answer != "ship" else "pass"
    said = dict(composed(values).lines)["What to change"]
    assert said.startswith(words)
    assert ("test rows" in said) == (answer != "ship")


def test_a_new_figure_is_shown_without_a_change_of_the_report() -> None:
    more = {
        "privacy": {"emails": 4321, "phones": 17},
        "checks": [{"label": "billing", "share": 0.125}],
        "overlap": {"train": {"near": 5}, "test": {"near": 7}},
    }
    run = replace(files(figures(HEALTHY)), prepare=from_json(More, {"accepted": 3, **more}, "prepare"))
    tables = {table.title: table for table in health.tables("prepare", run.prepare)}
    assert ["emails", 4321] in [list(row[:2]) for row in tables["prepare: privacy (what was found)"].rows]
    assert tables["prepare: checks"].rows == [["billing", 0.125]]
    assert any(list(row[:3]) == ["near", 5, 7] for table in tables.values() for row in table.rows)
    assert ("prepare.privacy.emails", 4321, "what was found") in health.described("prepare", run.prepare)


@dataclass(frozen=True)
class Basket:
    """a basket"""

    c: Annotated[int, "cherries"]
    d: int


@dataclass(frozen=True)
class Fruit:
    """Fruit."""

    a: Annotated[int, "apples"]
    b: Basket


def test_meanings_come_from_the_class_at_any_depth() -> None:
    fruit = Fruit(1, Basket(2, 3))
    assert [list(row) for table in health.tables("fruit", fruit) for row in table.rows] == [
        ["a", 1, "apples"],
        ["c", 2, "cherries"],
        ["d", 3, "a basket"],
    ]


def test_the_model_card_is_one_that_the_hub_reads() -> None:
    from huggingface_hub import ModelCard

    values = figures(OVERFIT)
    settings = knobs(NASTY)
    settings["report"] |= {"license": "other", "license_name": "house-rules"}
    read = ModelCard(card.write_card(composed(values, title=NASTY), files(values), settings, "mlx_lm.generate"))
    results = {result.metric_type: result.metric_value for result in read.data.eval_results}
    assert results["perplexity"] == values["evaluate"]["arms"]["adapter"]["perplexity"]
    assert results["score of category"] == 0.9
    assert read.data.library_name == "mlx"
    assert (read.data.license, read.data.license_name) == ("other", "house-rules")
    assert "Do not ship" in read.text
    assert "## How to load\n\nmlx_lm.generate\n\n## Data" in read.text
    assert "<script" not in read.text
    assert all(text.markdown(risk) in read.text for risk in values["overfit"]["risks"])
    assert [line for line in read.text.splitlines() if line.startswith("#")] == [
        f"# {text.markdown(NASTY)}",
        *(f"## {title}" for title in ("How to load", "Data", "Training", "Evidence", "Limits")),
    ]


@pytest.mark.parametrize("title", [NASTY, "a\n---\n<script>"])
def test_the_front_matter_of_a_card_holds_no_markup_and_still_says_what_it_says(title: str) -> None:
    values = figures(HEALTHY)
    written = card.write_card(composed(values, title=title), files(values), knobs(title), "")
    front = written.split("\n---\n")[0].removeprefix("---\n")
    assert "<" not in front
    assert yaml.safe_load(front)["model-index"][0]["name"] == text.plain(title)


def with_a_waiver() -> dict[str, Any]:
    """A run whose drift is waived, and that lacks an opponent."""
    values = figures(HEALTHY)
    gates = values["gates"]
    failed = next(row for row in gates["rows"] if row["criterion"] == "drift")
    failed |= {"actual": 0.3, "status": "waived", "note": NASTY}
    return values | {
        "gates": gates
        | {"answer": "ship_with_waivers", "waived": {"drift": NASTY}, "needless_waivers": ["forgetting"]}
        | {"not_run": ["base_few_shot"]}
    }


def test_page_and_card_show_waivers_with_their_reasons_and_the_opponents_that_were_not_run() -> None:
    values = with_a_waiver()
    seen, written = parsed(html(values)), markdown(values)
    whole = " ".join(seen.words)
    assert 'class="answer ship_with_waivers"' in html(values)
    assert "Ship it, with waivers" in whole
    assert whole.count("<script>alert(1)</script> **bold**") >= 2  # the line and the row of the gate, as text
    assert "script" not in seen.tags
    for shown in (whole, written):
        assert "forgetting" in shown
        assert "base few shot" in shown
    on_card = card.write_card(composed(values), files(values), knobs(), "")
    assert "Waived: `drift`, because: &lt;script>" in on_card


def test_a_page_shows_the_gates_that_a_system_has_of_its_own() -> None:
    entry = {"name": "rank", "file": "evaluate", "figure": "arms.adapter.score", "rule": ">=", "target": 0.8}
    settings = knobs()
    settings["gates"] = {**settings["gates"], "criteria": [{**entry, "why": "a low score"}]}
    values = figures(HEALTHY)
    lengths = {name: np.arange(40, 90, dtype=np.int32) for name in charts.SPLITS}
    found = Evidence(predictions(), SCHEMA, lambda ids: {name: [] for name in ids}, lengths, {})
    tables = parsed(page.write_html(report.compose(files(values), settings, ".", found))).tables
    assert tables["Gates of this system's own"][1] == [
        *("rank", "arms.adapter.score of metrics/evaluate.json", "unfavourable", ">= 0.8", "a low score")
    ]


def test_a_card_without_a_licence_says_so() -> None:
    values = figures(HEALTHY)
    written = card.write_card(composed(values), files(values), knobs(), "")
    assert "license:" not in written.split("---")[1]
    assert "No licence is set" in written


def test_text_from_a_transcript_changes_nothing_but_its_own_cell() -> None:
    values, hostile_values = figures(HEALTHY), figures(HEALTHY)
    values["split"]["classes"] = {"category": {"train": {"x": 1}, "valid": {}, "test": {}}}
    hostile_values["split"]["classes"] = {"category": {"train": {NASTY: 1}, "valid": {}, "test": {}}}
    plain, hostile = parsed(html(values)), parsed(html(hostile_values, NASTY, NASTY))
    assert hostile.tags == plain.tags
    where = ("href", "src", "class", "style", "id", "onclick")
    mine, theirs = ([a for a in found.attributes if a[1] in where and a[0] != "clippath"] for found in (hostile, plain))
    assert mine == theirs
    changed = [mine for mine, theirs in zip(hostile.words, plain.words, strict=True) if mine != theirs]
    assert changed
    assert all("<script>alert(1)</script>" in words for words in changed)
    assert not set("\x1b\x00\u202e\u202c") & set("".join(hostile.words))


def test_text_from_a_transcript_is_text_in_markdown_too() -> None:
    values = figures(HEALTHY)
    plain, hostile = markdown(values).splitlines(), markdown(values, NASTY, NASTY).splitlines()
    assert not set("\x1b\x00\u202e") & set("".join(hostile))
    assert not re.search(r"<script|(?<!\\)\*\*bold|(?<!\\)\[a\]", "\n".join(hostile))
    changed = [mine for mine, theirs in zip(hostile, plain, strict=True) if mine != theirs]
    assert all("alert(1)" in line for line in changed)
    table = [line for line in hostile if line.startswith("| note |")]
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in table} == {6}


def test_the_page_needs_nothing_from_elsewhere() -> None:
    found = parsed(html(figures(HEALTHY)))
    assert "script" not in found.tags
    links = [value for _, name, value in found.attributes if name in ("src", "href", "xlink:href", "action")]
    assert all(link.startswith(("#", "data:,")) or link == "speed.html" for link in links)
    assert not any(name.startswith("on") for _, name, _ in found.attributes)


def test_pictures_have_words_tables_have_heads_and_everything_is_reached_by_keyboard() -> None:
    written = html(figures(HEALTHY))
    found = parsed(written)
    assert written.startswith("<!doctype html>")
    assert found.values("html", "lang") == ["en"]
    drawn = re.findall(r'<div role="img" aria-label="([^"]+)"><svg', written)
    assert len(drawn) == found.tags.count("svg") >= 8
    assert all(len(words.split()) > 4 for words in drawn)
    assert found.tags.count("caption") == found.tags.count("table") == found.tags.count("thead")
    assert set(found.values("th", "scope")) == {"col"}
    assert found.tags.count("summary") == found.tags.count("details")
    anchors = set(found.values("h2", "id")) | set(found.values("main", "id"))
    assert {link[1:] for link in found.values("a", "href") if link.startswith("#")} <= anchors
    assert set(found.values("div", "tabindex")) == {"0"}
    levels = [int(tag[1]) for tag in found.tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))


def test_colours_have_the_contrast_that_wcag_asks_for() -> None:
    style = (ROOT / "plateau" / "report" / "templates" / "page.html.j2").read_text(encoding="utf-8")
    schemes = [
        dict(re.findall(r"--(\w+): (#\w{6})", block)) for block in re.findall(r":root \{[^}]*--page[^}]*\}", style)
    ]
    assert len(schemes) == 2
    for colours in schemes:
        texts = [
            ("ink", "page"),
            ("ink", "band"),
            ("soft", "page"),
            ("link", "page"),
            ("good", "page"),
            ("bad", "band"),
        ]
        texts += [("unsure", "band"), *((name, f"{name}bg") for name in ("good", "bad", "unsure"))]
        texts += [("ink", f"{name}bg") for name in ("good", "bad", "unsure")]
        assert [pair for pair in texts if charts.contrast(colours[pair[0]], colours[pair[1]]) < 4.5] == []
        drawn = {
            *charts.STATUSES.values(),
            *external.colours(f"external_{i}" for i in range(9)).values(),
            *charts.SPLITS.values(),
            *charts.SERIES,
        }
        assert [colour for colour in drawn if charts.contrast(colour, colours["page"]) < 3] == []
    cells = [{"gold": "a", "predicted": guess, "count": n} for n in range(101) for guess in "ab"]
    for cell in charts.confusion(cells, ["a", "b"])["data"]["values"]:
        assert charts.contrast(cell["fill"], cell["text"]) >= 4.5


def test_charts_draw_the_figures_of_the_metrics_files() -> None:
    values = figures(OVERFIT)
    drawn = {
        chart.text.split(" ")[0]: chart.spec
        for section in composed(values).sections
        for part in section.parts
        if isinstance(part, page.Charts)
        for chart in part.charts
    }
    losses = {
        (row["iteration"], row["series"]): row["value"] for row in drawn["Training"]["layer"][0]["data"]["values"]
    }
    gaps = {row["iteration"]: row["gap_pct"] for row in drawn["Gap"]["data"]["values"]}
    for point in values["evaluations"]:
        assert losses[point["iteration"], "validation"] == point["val_loss"]
        assert losses[point["iteration"], "training"] == point["train_loss"]
    assert gaps == {row["iteration"]: row["gap_pct"] for row in values["overfit"]["timeline"]}
    marks = drawn["Score"]["data"]["values"]
    arms = values["evaluate"]["arms"]
    assert len(marks) == 4
    assert all(mark["score"] == arms[mark["series"]]["fields"][mark["name"]]["score"] for mark in marks)


def test_calibration_shows_the_true_mean_of_each_predicted_value() -> None:
    rows = [
        {"output": json.dumps({"score": guess}), "gold": json.dumps({"score": gold})}
        for guess, gold in [(10, 10), (10, 20), (50, 50), (50, 50), (90, 40)]
    ]
    bands = findings.calibrations(findings.scored(findings.parsed(rows), SCHEMA))["score"]
    assert [(band["predicted"], band["gold"], band["count"]) for band in bands] == [
        (10, 15, 2),
        (50, 50, 2),
        (90, 40, 1),
    ]
    assert bands[1]["low"] == bands[1]["high"] == 50
    many = [{"output": json.dumps({"score": i % 100}), "gold": json.dumps({"score": i % 100})} for i in range(1000)]
    whole = findings.calibrations(findings.scored(findings.parsed(many), SCHEMA))["score"]
    assert sum(band["count"] for band in whole) == 1000
    assert all(band["predicted"] == pytest.approx(band["gold"]) for band in whole)


def test_bands_hold_every_row_once() -> None:
    lengths = {
        "train": np.array([3, 9, 200], np.int32),
        "valid": np.array([512], np.int32),
        "test": np.empty(0, np.int32),
    }
    bands = findings.length_bands(lengths)
    assert {name: sum(b["count"] for b in bands if b["series"] == name) for name in lengths} == {
        "train": 3,
        "valid": 1,
        "test": 0,
    }
    spread = findings.perplexity_bands(predictions(), ["adapter", "base"])
    assert {name: sum(b["count"] for b in spread if b["series"] == name) for name in ("adapter", "base")} == {
        "adapter": 40,
        "base": 40,
    }
    assert findings.length_bands({}) == findings.perplexity_bands(predictions(), ["fused"]) == []


def test_the_same_figures_give_the_same_bytes() -> None:
    code = "from tests.test_report import *; import hashlib; print(hashlib.sha256(html(figures(HEALTHY)).encode()).hexdigest())"
    runs = [
        subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True) for _ in "ab"
    ]
    assert runs[0].stdout == runs[1].stdout


def test_fifty_thousand_test_rows_keep_the_page_small() -> None:
    one = predictions(200, "long " * 50)
    table = pa.concat_tables([one] * 250)
    names = pa.array([f"c{i // 2:05}" for i in range(len(table))])
    table = table.set_column(table.column_names.index("id"), "id", names)
    turns = {f"c{i:05}": [("customer", "word " * 10_000)] * 500 for i in range(50_000)}
    lengths = {name: np.arange(50_000, dtype=np.int32) for name in charts.SPLITS}
    values = figures(HEALTHY, 50_000)
    large = composed(values, predictions=table, turns=lambda ids: {name: turns[name] for name in ids}, lengths=lengths)
    assert len(page.write_html(large).encode()) < 3_000_000
    assert len(page.write_markdown(large).encode()) < 3_000_000


def test_a_figure_that_is_missing_is_a_dash_and_no_zero() -> None:
    values = figures(HEALTHY)
    values["evaluate"]["adapter_effect"]["max_logit_difference"] = None
    values["gates"]["rows"][0]["actual"] = None
    assert "| evaluate.adapter_effect.max_logit_difference | - |" in markdown(values)
    assert report.gate_table(files(values).gates.rows).splitlines()[1].split() == [
        "pass",
        "test_rows",
        ">=",
        "100",
        "-",
        "400",
    ]


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "-"),
        (True, "yes"),
        (1234567, "1,234,567"),
        (0.268, "0.268"),
        (1.30744, "1.307"),
        (8757.76, "8,758"),
        (Estimate(0.5, 0.4, 0.625), "0.5 (0.4 to 0.625)"),
        (Estimate(0.5, None, None), "0.5"),
        (1e-5, "1e-05"),
        (10485760.0, "10,485,760"),
        (0.0, "0"),
        (-2.5, "-2.5"),
        ([], ""),
        (["a", 2], "a, 2"),
        ("a\tb\x1b", "a\\u0009b\\u001b"),
    ],
)
def test_figures_are_written_for_people(value: Any, words: str) -> None:
    assert text.figure(value) == words


@pytest.mark.parametrize(
    ("value", "cell", "span"),
    [
        ("a & b", "a &amp; b", "`a & b`"),
        ("<b>", "&lt;b>", "`<b>`"),
        ("<= 3 < 4", "<= 3 < 4", "`<= 3 < 4`"),
        ("x|y", "x\\|y", "`x\\|y`"),
        ("`", "\\`", "`'`"),
        ("snake_case _x_", "snake_case \\_x\\_", "`snake_case _x_`"),
        ("two\nlines", "two lines", "`two lines`"),
    ],
)
def test_markdown_takes_any_text_as_text(value: str, cell: str, span: str) -> None:
    assert text.markdown(value) == cell
    assert text.code(value) == span


def stage(name: str, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", f"stages.{name}", str(folder)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("written", [None, "{", "{}", "[]", '{"answer": "perhaps", "reason": "", "rows": []}'])
def test_gates_that_cannot_be_read_are_broken_and_never_passed(tmp_path: Path, written: str | None) -> None:
    (tmp_path / "params.yaml").write_bytes((ROOT / "params.yaml").read_bytes())
    if written is not None:
        (tmp_path / "metrics").mkdir()
        (tmp_path / "metrics" / "gates.json").write_text(written, encoding="utf-8")
    done = stage("gate", tmp_path)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
