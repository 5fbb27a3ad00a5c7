"""Write the tables of README and docs that repeat definitions, schemas and metrics: `python -m tools.tables`."""

import dataclasses
import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from plateau.core.figures import Estimate, read
from plateau.core.files import write_json
from plateau.core.param import Param
from plateau.core.system import System
from plateau.decision import gates
from plateau.evaluation import figures
from plateau.metrics.evaluate import Evaluate
from plateau.metrics.files import FILES
from plateau.metrics.gates import Gates
from plateau.metrics.overfit import Overfit
from plateau.metrics.selection import Selection
from plateau.metrics.train import Train
from plateau.report import comparison, report, text
from plateau.report.page import ANSWERS
from tools import params_file
from tools.deps import ROOT
from tools.metrics import metrics_schema

README = ROOT / "README.md"
GATES = 16  # lines of the table of gates that the README shows, its head among them
METRICS = ROOT / "metrics"
PAGE = ROOT / "docs" / "metrics.md"
PARAMS = ROOT / "docs" / "params.md"
READING = ROOT / "docs" / "reading-the-report.md"
EXPERIMENTS = ROOT / "docs" / "experiments.md"
SWEEP = ROOT / "docs" / "sweep.json"
AFTER_SWEEP = re.compile(r"(python -m tools\.tables sweep-a.*?```\n)(?:\n\| sweep \|.*?\n\n[^\n]*\n)?", re.DOTALL)
ANY = {
    "arms": "ARM",
    "fields": "FIELD",
    "comparisons": "PAIR",
    "labels": "FIELD",
    "classes": "FIELD",
    "by_class": "CLASS",
    "label_drift": "FIELD",
}
SPLITS = ("train", "valid", "test")


def keys(node: dict[str, Any], place: str = "") -> Iterator[tuple[str, str]]:
    """Every key of a metrics file with its meaning, nested ones dotted; bounds of intervals are left out."""
    node = node.get("items", node)
    if set(node.get("properties", {})) == set(SPLITS):
        first = node["properties"]["train"]
        yield f"{place}SPLIT", first.get("description", "").replace("train", "the split")
        yield from keys(first, f"{place}SPLIT.")
        return
    for name, child in node.get("properties", {}).items():
        if re.sub(r"_(low|high)$", "", name) in node["properties"] and name.endswith(("_low", "_high")):
            continue
        yield place + name, child.get("description", "")
        yield from keys(child, f"{place}{name}.")
        beyond = child.get("additionalProperties")
        if isinstance(beyond, dict) and name in ANY:
            yield from keys(beyond, f"{place}{name}.{ANY[name]}.")


def metrics() -> str:
    """A table for each metrics file, nested keys too."""
    parts = []
    for name in FILES:
        found = metrics_schema(name)
        rows = "\n".join(f"| `{key}` | {meaning.replace('|', 'or')} |" for key, meaning in keys(found))
        parts.append(f"**`{name}.json`** {found['description']}\n\n| key | meaning |\n|---|---|\n{rows}")
    return "\n\n".join(parts)


def knobs() -> str:
    """Two tables of params: those at the top of params.yaml, and the sections with their keys."""
    told = params_file.described()
    top = [f"| `{name}` | {meaning} |" for name, meaning, below in told if not below]
    sections = [
        f"| `{name}` | {meaning} | {', '.join(f'`{key}`' for key in below)} |" for name, meaning, below in told if below
    ]
    head = ["| knob | meaning |", "|---|---|", *top, "", "What is set once per system stands in sections:", ""]
    return "\n".join([*head, "| section | about | keys |", "|---|---|---|", *sections])


def gate_entries() -> str:
    """A row for each gate: the param that sets its limit, the default, and what it keeps from shipping."""

    def asked(limit: Param | str) -> str:
        if isinstance(limit, str):
            return f"`{limit}` | always"
        return f"`gates.{limit.name}` | {limit.default} {limit.unit}".rstrip()

    rows = [f"| `{gate.criterion}` | {gate.rule} {asked(gate.limit)} | {gate.why} |" for gate in gates.GATES]
    return "\n".join(["| gate | asks for | by default | keeps from shipping |", "|---|---|---|---|", *rows])


def outcome(folder: Path) -> str:
    """What `make repro` and `make gate` print at their end, from the metrics of a run."""
    train, selection = read(Train, folder / "train.json"), read(Selection, folder / "selection.json")
    overfit, judged = read(Overfit, folder / "overfit.json"), read(Gates, folder / "gates.json")
    evaluate = read(Evaluate, folder / "evaluate.json")
    lines = {
        "train": train.stop_summary,
        "select": selection.reason,
        "evaluate": figures.summary(evaluate),
        "overfit_check": f"{overfit.verdict}: {overfit.reason}\n{judged.answer}: {judged.reason}",
        "report": f"reports/index.html: {ANSWERS[judged.answer]}",
    }
    said = "\n...\n".join(f"> python -m stages.{stage}\n{line}" for stage, line in lines.items())
    gates = "\n".join(report.gate_table(judged.rows).split("\n")[:GATES])
    return f"```console\n$ make repro\n...\n{said}\n\n$ make gate\n{gates}\n...\n```"


def sweep() -> str:
    """The table of the recorded sweep: params, figures, paired differences of the score, and the advice."""
    found = comparison.Comparison(**json.loads(SWEEP.read_text(encoding="utf-8")))
    scores = {pair["run"]: pair for pair in found.pairs if pair["of"] == "score"}
    against = [
        f"{text.figure(scores[name]['difference'])}, {text.spaced(scores[name]['result'])}" if name in scores else None
        for name in found.names
    ]
    rows = [*found.knobs, *found.figures, [f"score against {found.names[0]}", *against]]
    lines = [["sweep", *found.names], ["---", *["---:"] * len(found.names)], *rows]
    cells = [[Estimate(*cell) if isinstance(cell, list) else cell for cell in line] for line in lines]
    table = "\n".join(f"| {' | '.join(map(text.markdown, line))} |" for line in cells)
    return f"{table}\n\n{found.advice[0].upper()}{found.advice[1:]}."


def record_sweep(names: list[str]) -> None:
    """Compare experiments and keep the result in docs/sweep.json."""
    from stages.compare import found

    write_json(SWEEP, dataclasses.asdict(found(System(Path()), names)))


def page() -> str:
    """docs/metrics.md: every key."""
    return f"# Every key of every metrics file\n\nMade from the classes in `plateau/metrics/`. `NAME_low` and `NAME_high` beside a figure are the bounds of its interval.\n\n{metrics()}\n"


def rewrite() -> None:
    """Replace the tables in README and docs by new ones."""
    PAGE.write_text(page(), encoding="utf-8")
    replace(PARAMS, r"\| knob \| meaning \|.*\Z", lambda _: f"{knobs()}\n")
    replace(READING, r"\| gate \| asks for \|.*?(?=\n\n)", lambda _: gate_entries())
    if METRICS.exists():
        replace(README, r"```console\n\$ make repro\n.*?```", lambda _: outcome(METRICS))
    if SWEEP.exists():
        replace(EXPERIMENTS, AFTER_SWEEP.pattern, lambda found: f"{found[1]}\n{sweep()}\n")


def replace(path: Path, pattern: str, new: Callable[[re.Match[str]], str]) -> None:
    """Replace the first match in a page."""
    words = path.read_text(encoding="utf-8")
    path.write_text(re.sub(pattern, new, words, count=1, flags=re.DOTALL), encoding="utf-8")


if __name__ == "__main__":
    if sys.argv[1:]:
        record_sweep(sys.argv[1:])
    rewrite()
