"""The report shows the figures of the metrics files, whatever they hold, and the same ones give the same bytes."""

import json
import re
import subprocess
import sys
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from plateau import card, checkup, gates, overfit, page, params, report, selection, text
from tests.deps import ROOT

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
            "train_loss": 2.0 * 0.8**i,
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
    whole = {"schema_valid": 0.995, "rows": 40} | statistic("perplexity", 3.456)
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
    best = overfit.best_point(points)
    assert best is not None
    train = {
        "stop_reason": "patience_exhausted",
        "stop_summary": "stopped at 700: patience exhausted",
        "iterations": points[-1]["iteration"],
        "best_iteration": best["iteration"],
        "skipped_steps": 0,
    }
    evaluate = {
        "rows": rows,
        "generated": rows,
        "arms": {"base": arm(0.25), "adapter": arm(0.9)},
        "loss_reduction": 0.83,
        "comparisons": {
            "adapter_vs_base": {"score": compared("better"), "fields": {"category": compared("better")}},
            "adapter_vs_majority": {"score": compared("better")},
        },
        "adapter_effect": {"max_logit_difference": 3.0},
        "fields_worse_than_base": 0,
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
    chosen = selection.choose(points, POLICY, 0.05)
    knobs = params.check(ROOT / "params.yaml")
    checked = checkup.check(points, chosen, train, evaluate, knobs["overfit"])
    rows_of_gates = gates.rows(knobs["gates"], checked, evaluate)
    answer, reason = gates.answer(rows_of_gates)
    span = {name: f"2025-0{i}-01T00:00:00Z" for i, name in enumerate(("train", "valid", "test"), 1)}
    return {
        "prepare": {"accepted": 20613, "rejected_by_reason": {"unknown_role": 3}},
        "temporal": {"business_hours_share": 0.71},
        "split": {"earliest": span, "latest": {**span, "train": "2025-02-01T00:00:00Z"}},
        "convert": {"train": {"rows": 1500, "truncated": 7}},
        "train": train,
        "selection": chosen,
        "evaluate": evaluate,
        "overfit": checked,
        "gates": {"answer": answer, "reason": reason, "rows": rows_of_gates},
        "evaluations": points,
    }


HEALTHY = [2.1, 1.2, 0.9, 0.7, 0.61, 0.6, 0.602, 0.61]
OVERFIT = [2.1, 1.0, 0.9, 1.1, 1.3, 1.5, 1.8, 2.0]


def content(values: dict[str, Any], title: str = "Contact centre") -> dict[str, Any]:
    schemas = {
        name: json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        for name in values
        for path in [ROOT / "schemas" / "metrics" / f"{name}.schema.json"]
    }
    return report.content(values, schemas, title, {"lr": 0.002, "model": "reference", "fine_tune_type": "lora"}, ".")


def predictions(count: int = 40, nasty: str = "") -> list[dict[str, Any]]:
    rows = []
    for i in range(count):
        gold = {"category": LABELS[i % 3], "score": float(i % 101), "note": nasty or "fine"}
        wrong = {"category": LABELS[(i + (i % 4 == 0)) % 3], "score": float(i % 97), "note": nasty or "fine"}
        for name, output in (("base", nasty or "no json"), ("adapter", json.dumps(wrong))):
            loss = 9.0 if name == "base" else 2.0
            row = {
                "id": f"c{i:03}",
                "arm": name,
                "sample": 0,
                "tokens": 8,
                "loss_sum": loss + i / count,
                "output": output,
            }
            rows.append({**row, "gold": json.dumps(gold)})
    return rows


def html(values: dict[str, Any], nasty: str = "", title: str = "Contact centre") -> str:
    def turns(ids: Any) -> dict[str, list[dict[str, str]]]:
        return {name: [{"role": "customer", "text": nasty or "My bill is wrong."}] for name in ids}

    return page.write_html(content(values, title), predictions(nasty=nasty), turns, SCHEMA)


class Text(HTMLParser):
    """Collects tags, attributes and the text that a reader sees; SVG left out."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.words: list[str] = []
        self.inside = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("src", "href", "xlink:href", "action")]
        assert not any(name.startswith("on") for name, _ in attrs)
        self.inside += tag in ("svg", "style")

    def handle_endtag(self, tag: str) -> None:
        self.inside -= tag in ("svg", "style")

    def handle_data(self, data: str) -> None:
        if not self.inside:
            self.words.append(data)


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
    lines = report.write_markdown(content(values)).splitlines()
    assert lines[:3] == ["# Contact centre", "", f"**{answer}.** {values['gates']['reason']}"]
    assert f"Training: **{verdict}**" in lines[4]
    seen = shown(html(values))
    assert seen.index(answer) < seen.index("Gates") < seen.index("Evaluation points")


def test_every_figure_of_the_metrics_files_is_in_both_reports() -> None:
    values = figures(HEALTHY)
    markdown, seen = report.write_markdown(content(values)), shown(html(values))
    for name, file in values.items():
        for key, value in text.flat(file) if isinstance(file, dict) else ():
            above = f"{name}.{key}".startswith(report.SHOWN_ABOVE)
            words = text.markdown(value).replace("_", " ") if key.endswith(".result") else text.markdown(value)
            assert words in markdown if above else f"| {text.code(f'{name}.{key}')} | {words} |" in markdown
            assert text.figure(value) in seen or words in seen
    for point in values["evaluations"]:
        cells = [text.figure(point[key]) for key in ("train_loss", "val_loss")]
        assert f"| {cells[0]} | {cells[1]} |" in markdown
        assert set(cells) <= set(parsed(html(values)).words)
    assert "0.9 (0.89 to 0.91)" in markdown
    assert "0.9 (0.89 to 0.91)" in seen


def test_the_chosen_checkpoint_and_why_not_the_others() -> None:
    values = figures(HEALTHY)
    markdown = report.write_markdown(content(values))
    for row in values["selection"]["candidates"]:
        assert text.markdown(row["reason"]) in markdown
    assert f"`{values['evaluations'][6]['sha256']}`" in markdown
    assert re.search(r"^\| 600 \|.*\| selected \|$", markdown, re.MULTILINE)
    assert re.search(r"^\| 500 \|.*\| best \|$", markdown, re.MULTILINE)


def test_risks_are_named_in_both_reports() -> None:
    values = figures(OVERFIT)
    assert values["overfit"]["risks"]
    for risk in values["overfit"]["risks"]:
        assert f"- {text.markdown(risk)}\n" in report.write_markdown(content(values))
        assert risk in shown(html(values))


def test_the_model_card_is_one_that_the_hub_reads() -> None:
    from huggingface_hub import ModelCard

    values = figures(OVERFIT)
    written = card.write_card(content(values, NASTY))
    read = ModelCard(written)
    results = {result.metric_type: result.metric_value for result in read.data.eval_results}
    assert results["perplexity"] == values["evaluate"]["arms"]["adapter"]["perplexity"]
    assert results["score of category"] == 0.9
    assert read.data.library_name == "mlx"
    assert "Do not ship" in read.text
    assert "<script" not in read.text
    assert all(text.markdown(risk) in read.text for risk in values["overfit"]["risks"])


def test_text_from_a_transcript_changes_nothing_but_its_own_cell() -> None:
    values = figures(HEALTHY)
    plain, hostile = parsed(html(values)), parsed(html(values, NASTY, NASTY))
    assert hostile.tags == plain.tags
    assert hostile.links == plain.links
    words = "\n".join(hostile.words)
    assert "<script>alert(1)</script>" in words
    assert not set("\x1b\x00\u202e\u202c") & set(words)
    markdown = report.write_markdown(content(values, NASTY))
    assert "<script" not in markdown
    assert "**bold**" not in markdown
    assert not set("\x1b\x00\u202e") & set(markdown)
    assert markdown.splitlines()[1:] == report.write_markdown(content(values)).splitlines()[1:]


def test_the_page_needs_nothing_from_elsewhere() -> None:
    found = parsed(html(figures(HEALTHY)))
    assert "script" not in found.tags
    assert all(link.startswith(("#", "data:,")) for link in found.links)
    assert {f'id="{link[1:]}"' in html(figures(HEALTHY)) for link in found.links if link.startswith("#")} == {True}


def test_every_chart_says_in_words_what_it_shows() -> None:
    written = html(figures(HEALTHY))
    charts = re.findall(r'<figure><div class="scroll" role="img" aria-label="([^"]*)"', written)
    assert len(charts) == written.count("<svg") >= 7
    assert all(len(words.split()) > 4 for words in charts)


def test_the_same_figures_give_the_same_bytes() -> None:
    code = "from tests.test_report import *; import hashlib; print(hashlib.sha256(html(figures(HEALTHY)).encode()).hexdigest())"
    runs = [
        subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True) for _ in "ab"
    ]
    assert runs[0].stdout == runs[1].stdout


def test_a_large_test_split_keeps_the_page_small() -> None:
    def turns(ids: Any) -> dict[str, list[dict[str, str]]]:
        return {name: [{"role": "customer", "text": "word " * 10_000}] * 500 for name in ids}

    written = page.write_html(content(figures(HEALTHY)), predictions(5_000, "long " * 5_000), turns, SCHEMA)
    assert len(written.encode()) < 3_000_000


def test_a_figure_that_is_missing_is_a_dash_and_no_zero() -> None:
    values = figures(HEALTHY)
    values["evaluate"]["adapter_effect"]["max_logit_difference"] = None
    values["gates"]["rows"][0]["actual"] = None
    assert "| `evaluate.adapter_effect.max_logit_difference` | - |" in report.write_markdown(content(values))
    assert report.gate_table(values["gates"]["rows"]).splitlines()[1].split() == [
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


@pytest.mark.parametrize(
    ("losses", "rows", "status"),
    [(HEALTHY, 500, 0), (OVERFIT, 500, 2), (HEALTHY, 20, 3)],
    ids=["ship", "not", "little"],
)
def test_the_gate_exits_with_the_answer(tmp_path: Path, losses: list[float], rows: int, status: int) -> None:
    (tmp_path / "params.yaml").write_bytes((ROOT / "params.yaml").read_bytes())
    (tmp_path / "metrics").mkdir()
    found = figures(losses, rows)["gates"]
    (tmp_path / "metrics" / "gates.json").write_text(json.dumps(found), encoding="utf-8")
    done = stage("gate", tmp_path)
    assert done.returncode == status
    assert all(row["criterion"] in done.stdout for row in found["rows"])
    assert done.stderr == ("" if status == 0 else f"error: {found['reason']}\n")


@pytest.mark.parametrize("written", [None, "{", "{}", "[]", '{"answer": "perhaps", "reason": "", "rows": []}'])
def test_gates_that_cannot_be_read_are_broken_and_never_passed(tmp_path: Path, written: str | None) -> None:
    (tmp_path / "params.yaml").write_bytes((ROOT / "params.yaml").read_bytes())
    if written is not None:
        (tmp_path / "metrics").mkdir()
        (tmp_path / "metrics" / "gates.json").write_text(written, encoding="utf-8")
    done = stage("gate", tmp_path)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
