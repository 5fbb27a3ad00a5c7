"""What is added takes one to three places by hand: a param, a metric, a stage, a kind of field, an arm, a system.

Each is added to a copy in which a small system has run: `make sync` writes the rest, DVC runs again only the stages that use what is
new, the report shows it, and a test names it where its line in the registry is forgotten.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import tiny
from test_effects import SMALL

from tools import goldens

KIND = '''"""Journey: a class whose neighbours are nearly right."""

from plateau.data.fields import Field
from plateau.evaluation.kinds.labels import Label


class Journey(Label):
    """How a call went."""

    name = "journey"

    @classmethod
    def matches(cls, field: Field) -> bool:
        """The classes that end a journey."""
        return "Escalation" in field.classes
'''
STAGE = '''"""count: the number of test rows."""

import pyarrow.parquet as pq

from plateau.core import files
from plateau.core.params import Params
from plateau.core.stage import run
from plateau.core.system import System

PARAMS = ()


def main(system: System, _: Params) -> None:
    """Write data/count.json."""
    files.write_json(system.path("data", "count.json"), {"rows": pq.read_metadata(system.split("test")).num_rows})


if __name__ == "__main__":
    run(main, PARAMS)
'''
TARGET = {
    "type": "object",
    "additionalProperties": False,
    "required": ["mood"],
    "properties": {"mood": {"enum": ["calm", "angry"]}},
}
Edit = tuple[str, str]  # what stands there, "" for a new file, and what is written in its place


@dataclass(frozen=True)
class Addition:
    """What is added: the edits by hand, the one in the registry, the stages that use it, and where the report shows it."""

    edits: Mapping[str, Edit]
    registry: str
    stale: frozenset[str]
    shown: str
    test: str
    names: str
    values: Mapping[str, str] = field(default_factory=dict)  # params that are set to see it


ADDITIONS = {
    "param": Addition(
        {
            "plateau/core/definitions/results.py": (
                'Param("title", text()',
                'Param("subtitle", nullable(text()), None, "what stands below the title; null for nothing"),\n'
                '            Param("title", text()',
            ),
            "plateau/report/report.py": (
                '            ("Why", gates.reason),',
                '            ("About", params["report"]["subtitle"]),\n            ("Why", gates.reason),',
            ),
        },
        "plateau/core/definitions/results.py",
        frozenset({"report"}),
        "a first try",
        "tests/test_report.py",
        "subtitle",
        {"report.subtitle": "a first try"},
    ),
    "metric": Addition(
        {
            "plateau/metrics/evaluate.py": (
                "    relaxed: Annotated[",
                '    longest: Annotated[Count, "tokens of the adapter\'s longest output"]\n    relaxed: Annotated[',
            ),
            "plateau/evaluation/figures.py": (
                "        relaxed=relaxed(schema),",
                '        longest=int(arms["adapter"].output_tokens.max(initial=0)),\n        relaxed=relaxed(schema),',
            ),
        },
        "plateau/metrics/evaluate.py",
        frozenset({"evaluate", "overfit_check", "report"}),
        "tokens of the adapter's longest output",
        "tests/test_recomputed.py",
        "longest",
    ),
    "stage": Addition(
        {
            "stages/count.py": ("", STAGE),
            "stages/pipeline.yaml": (
                "\n\nmetrics:",
                "\n  count:\n    desc: Count.\n    deps: [data/split]\n    outs: [data/count.json]\n\nmetrics:",
            ),
        },
        "stages/pipeline.yaml",
        frozenset({"count"}),
        "",
        "tests/test_dvc_yaml.py",
        "count",
    ),
    "kind of field": Addition(
        {
            "plateau/evaluation/kinds/journey.py": ("", KIND),
            "plateau/evaluation/kinds/registry.py": (
                "KINDS: tuple[type[Kind], ...] = (",
                "from plateau.evaluation.kinds.journey import Journey\n\nKINDS: tuple[type[Kind], ...] = (Journey, ",
            ),
        },
        "plateau/evaluation/kinds/registry.py",
        frozenset({"select", "baselines", "evaluate", "report"}),
        "journey",
        "tests/test_scores_asked.py",
        "Journey",
    ),
    "arm": Addition(
        {
            "plateau/evaluation/arms.py": (
                '    Entry("majority"',
                '    Entry("fused_constrained", "#c9a11a", 12, "fused", True, ("fused",)),\n    Entry("majority"',
            ),
            "params.yaml": ("  - fused\n", "  - fused\n  - fused_constrained\n"),
        },
        "plateau/evaluation/arms.py",
        frozenset({"select", "baselines", "opponents", "external", "answers", "evaluate", "overfit_check", "report"}),
        "fused_constrained",
        "tests/test_params.py",
        "fused_constrained",
    ),
}


def dvc(clone: Path, *words: str) -> str:
    """What dvc prints; an error fails the test."""
    done = subprocess.run([sys.executable, "-m", "dvc", *words], cwd=clone, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def stale(clone: Path, system: str = "") -> frozenset[str]:
    """The stages of a system that DVC would run again; those of others have a path before their name."""
    names = json.loads(dvc(clone, "status", "--json"))
    start = f"{system}/dvc.yaml:" if system else ""
    return frozenset(
        name.removeprefix(start) for name in names if name.startswith(start) and (system or ":" not in name)
    )


def sync(clone: Path) -> None:
    subprocess.run([sys.executable, "-m", "tools.sync"], cwd=clone, capture_output=True, text=True, check=True)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the repository in which a small system has run."""
    clone = goldens.copied(tmp_path_factory.mktemp("made") / "clone")
    tiny.write_params(clone, {**SMALL, "evaluate.max_tokens": 100, "evaluate.arms": ["base", "adapter", "fused"]})
    sync(clone)
    dvc(clone, "repro", "--quiet")
    return clone


@pytest.fixture
def clone(made: Path, tmp_path: Path) -> Iterator[Path]:
    yield shutil.copytree(made, tmp_path / "clone", symlinks=True)
    shutil.rmtree(tmp_path / "clone")


def apply(clone: Path, edits: Mapping[str, Edit]) -> None:
    for name, (old, new) in edits.items():
        path = clone / name
        text = path.read_text(encoding="utf-8") if old else ""
        assert old in text, name
        path.write_text(text.replace(old, new, 1) if old else new, encoding="utf-8")


@pytest.mark.soak
@pytest.mark.parametrize("name", ADDITIONS)
def test_an_addition_takes_three_places_at_most_and_runs_only_what_uses_it(clone: Path, name: str) -> None:
    added = ADDITIONS[name]
    assert len(added.edits) <= 3
    apply(clone, added.edits)
    sync(clone)
    for key, value in added.values.items():
        path = clone / "params.yaml"
        path.write_text(goldens.set_param(path.read_text(encoding="utf-8"), key, value), encoding="utf-8")
    assert stale(clone) == added.stale
    dvc(clone, "repro", "--quiet")
    assert added.shown in (clone / "reports" / "REPORT.md").read_text(encoding="utf-8").replace("\\", "")
    assert stale(clone) == frozenset()


@pytest.mark.soak
@pytest.mark.parametrize("name", ADDITIONS)
def test_a_test_names_an_addition_whose_line_in_the_registry_is_forgotten(clone: Path, name: str) -> None:
    added = ADDITIONS[name]
    apply(clone, {path: edit for path, edit in added.edits.items() if path != added.registry})
    command = [sys.executable, "-m", "pytest", "-q", "-n", "0", "-x", added.test, "-m", "not slow and not soak"]
    done = subprocess.run(command, cwd=clone, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stdout
    assert added.names in done.stdout


@pytest.mark.soak
def test_a_system_takes_three_files_and_runs_to_a_report(clone: Path) -> None:
    folder = clone / "systems" / "mine"
    (folder / "schemas").mkdir(parents=True)
    (folder / "params.yaml").write_text("{}\n", encoding="utf-8")
    (folder / "system.yaml").write_text("about: Mine.\n", encoding="utf-8")
    (folder / "schemas" / "target.schema.json").write_text(json.dumps(TARGET), encoding="utf-8")
    sync(clone)
    tiny.write_params(folder, {**SMALL, "report.title": "Mine", "split.near_duplicates": 0.99})
    sync(clone)
    raw = folder / "data" / "raw"
    raw.mkdir(parents=True)
    moods = [("calm", "all is well"), ("angry", "nothing works")]
    with (raw / "transcripts.jsonl").open("w") as said, (raw / "analyses.jsonl").open("w") as judged:
        for number in range(120):
            mood, words = moods[number % 2]
            turns = [
                {"role": "customer", "text": f"{words} for order {'abcdefghij'[number % 10] * (number // 10 + 1)}"}
            ]
            start = f"2025-03-{number // 5 + 1:02d}T10:{number % 5:02d}:00Z"
            said.write(json.dumps({"id": f"c{number}", "start": start, "turns": turns}) + "\n")
            judged.write(json.dumps({"id": f"c{number}", "target": {"mood": mood}}) + "\n")
    assert stale(clone) == frozenset()
    dvc(clone, "repro", "--quiet", "systems/mine/dvc.yaml")
    assert (folder / "reports" / "REPORT.md").read_text(encoding="utf-8").startswith("# Mine")
