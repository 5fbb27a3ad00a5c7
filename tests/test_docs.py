"""The README names what exists, and leaves out nothing that a reader needs."""

import dataclasses
import json
import re
import shlex
import shutil
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from plateau.core import params
from plateau.core.figures import Estimate
from plateau.report import comparison
from tools import deps, tables
from tools.deps import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted((ROOT / "docs").glob("*.md")),
    *ROOT.glob("systems/*/README.md"),
]
TEXT = "\n".join(path.read_text(encoding="utf-8") for path in PAGES if path != tables.PAGE)
PROSE = re.sub(r"^ *```.*?^ *```$", "", TEXT, flags=re.MULTILINE | re.DOTALL)
SPANS = set(re.findall(r"`([^`\n]+)`", PROSE))
STAGES = {stage.name for stage in deps.stages(ROOT)}
PARAMS = params.check(ROOT / "params.yaml")


def section(title: str, page: Path = ROOT / "README.md") -> str:
    """The text under one heading of a page."""
    return page.read_text(encoding="utf-8").split(f"\n## {title}\n")[1].split("\n## ")[0]


def first_cells(text: str) -> list[str]:
    """Code spans in the first column of the tables of a text."""
    return [
        span for row in re.findall(r"^\| (`.*?) \|", text, flags=re.MULTILINE) for span in re.findall(r"`([^`]+)`", row)
    ]


def dotted(values: dict[str, Any]) -> Iterator[str]:
    for key, value in values.items():
        yield key
        yield from (f"{key}.{name}" for name in value) if isinstance(value, dict) else ()


def test_every_link_between_pages_leads_somewhere() -> None:
    for path in PAGES:
        links = re.findall(r"\]\(([^)#\s]+)", path.read_text(encoding="utf-8"))
        assert [link for link in links if "://" not in link and not (path.parent / link).exists()] == []


def test_every_dvc_command_and_option_in_the_docs_is_one_that_dvc_has() -> None:
    from dvc.cli.parser import get_main_parser

    blocks = "\n".join(re.findall(r"^ *```(?:bash|console)\n(.*?)^ *```$", TEXT, flags=re.MULTILINE | re.DOTALL))
    lines = blocks.replace("\\\n", " ").replace("$ ", "").splitlines()
    commands = [
        part.strip() for line in lines for part in line.split("#")[0].split(";") if part.strip().startswith("dvc ")
    ]
    assert len(commands) > 10
    for command in commands:
        get_main_parser().parse_args(shlex.split(command)[1:])


def test_nothing_is_left_to_fill_in() -> None:
    assert "<!--" not in README


def test_the_pipeline_table_has_every_stage_in_order() -> None:
    assert first_cells(section("The pipeline")) == [stage.name for stage in deps.stages(ROOT)]


def test_the_picture_of_the_pipeline_has_every_stage_and_only_true_arrows() -> None:
    picture = re.findall(r"```mermaid\nflowchart LR\n(.*?)```", README, flags=re.DOTALL)[0]
    arrows = {
        pair
        for line in picture.splitlines()
        for pair in zip(line.split(" --> "), line.split(" --> ")[1:], strict=False)
    }
    drawn = {(before.strip(), after.strip()) for before, after in arrows}
    stages = deps.stages(ROOT)
    made = {out: stage.name for stage in stages for kind in ("outs", "metrics", "plots") for out in stage.paths(kind)}
    real = {
        (maker, stage.name)
        for stage in stages
        for dep in stage.paths("deps")
        for out, maker in made.items()
        if dep == out or dep.startswith(f"{out}/") or out.startswith(f"{dep}/")
    }
    assert {name for pair in drawn for name in pair} == STAGES
    assert drawn - real == set()


def test_the_tables_of_metrics_and_params_are_those_of_the_schemas() -> None:
    assert tables.PAGE.read_text(encoding="utf-8") == tables.page(), "run `make sync`"
    assert tables.knobs() in tables.PARAMS.read_text(encoding="utf-8"), "run `make sync`"


@pytest.mark.skipif(not tables.METRICS.exists(), reason="the pipeline has not run here")
def test_the_output_shown_is_that_of_the_committed_run() -> None:
    assert tables.outcome(tables.METRICS) in README, "run `make sync`"


@pytest.mark.skipif(not tables.SWEEP.exists(), reason="no sweep is recorded")
def test_the_sweep_shown_is_the_recorded_one() -> None:
    assert tables.sweep() in tables.EXPERIMENTS.read_text(encoding="utf-8"), "run `make sync`"


def test_a_recorded_sweep_becomes_a_table_and_a_later_one_replaces_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page, kept = tmp_path / "experiments.md", tmp_path / "sweep.json"
    for name in ("README", "PARAMS", "EXPERIMENTS"):
        copied = tmp_path / getattr(tables, name).name
        shutil.copy(getattr(tables, name), copied)
        monkeypatch.setattr(tables, name, copied)
    monkeypatch.setattr(tables, "PAGE", tmp_path / "metrics.md")
    monkeypatch.setattr(tables, "SWEEP", kept)
    for winner in ("sweep-a", "sweep-b"):
        found = comparison.Comparison(
            names=[winner, "other"],
            knobs=[["lr", 0.0002, 0.0001]],
            figures=[["score", 0.9, 0.5], ["score of x", Estimate(0.9, 0.8, 1.0), Estimate(0.5, 0.4, 0.6)]],
            pairs=[{"run": "other", "of": "score", "difference": -0.4, "result": "worse"}],
            curves=[],
            scores=[],
            advice=f"take {winner}: every other run is worse on the same test rows",
        )
        kept.write_text(json.dumps(dataclasses.asdict(found)), encoding="utf-8")
        tables.rewrite()
    written = page.read_text(encoding="utf-8")
    assert "| sweep | sweep-b | other |\n|" in written
    assert "| score of x | 0.9 (0.8 to 1) | 0.5 (0.4 to 0.6) |" in written
    assert "| score against sweep-b | - | -0.4, worse |\n\nTake sweep-b: every" in written
    assert written.count("| sweep |") == written.count("Take sweep-") == 1
    assert "sweep-c\n" in written
    assert "## Mistral-7B on a Mac" in written


def test_every_metrics_file_has_a_table() -> None:
    schemas = {path.name.removesuffix(".schema.json") for path in (ROOT / "schemas" / "metrics").glob("*.json")}
    assert set(tables.FILES) == schemas


def test_every_dotted_name_is_a_param_or_a_file() -> None:
    known = set(dotted(PARAMS))
    named = {
        span for span in SPANS if re.fullmatch(r"[a-z_]+\.(?!json)[a-z_]+", span) and span.partition(".")[0] in PARAMS
    }
    assert named - known == set()


def test_every_override_in_a_command_is_a_param_that_takes_the_value() -> None:
    known = set(dotted(PARAMS))
    overrides = re.findall(r"-S '?([\w.]+)=", TEXT)
    assert len(overrides) > 10
    assert set(overrides) - known == set()


def test_every_module_and_target_in_a_command_exists() -> None:
    modules = set(re.findall(r"python -m ([\w.]+)", TEXT))
    assert [name for name in modules if not ROOT.joinpath(*name.split(".")).with_suffix(".py").exists()] == []
    targets = set(re.findall(r"^(?:\$ )?make (\w+)|`make (\w+)`", TEXT, flags=re.MULTILINE))
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    names = {name for pair in targets for name in pair if name}
    assert names >= {"repro", "test", "gate", "lint", "bench"}
    assert [name for name in names if not re.search(rf"^{name}:", makefile, flags=re.MULTILINE)] == []


def test_every_dependency_has_a_reason_and_every_reason_a_dependency() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    names = {re.split(r"[\s\[;<>=~!]", dependency)[0] for dependency in project["dependencies"]}
    assert set(first_cells(section("Dependencies"))) == names


def test_every_entry_of_the_file_tree_exists_and_every_folder_in_git_has_one() -> None:
    tree = section("What is where", ROOT / "docs" / "design.md").split("```")[1]
    entries = {name.rstrip("/") for line in tree.strip().splitlines() for name in re.split(r"\s{2,}", line)[0].split()}
    assert [name for name in entries if not (ROOT / name).exists()] == []
    tracked = {path.relative_to(ROOT).parts[0] for path in ROOT.glob("*/*") if path.parts[-2][0] != "."}
    shown = {name.split("/")[0] for name in entries} | {"data", "adapters", "reports", "models", "dvc_plots", "docs"}
    assert {name for name in tracked if not name.startswith("_")} - shown == set()


def test_paths_that_the_readme_names_are_real_or_made_by_a_stage() -> None:
    made = {out for stage in deps.stages(ROOT) for kind in ("outs", "metrics") for out in stage.paths(kind)}
    made |= {"metrics/speed.json", "metrics/unsealed.json", "reports/speed.html", "reports/comparison.html"}
    paths = {span.rstrip("/") for span in SPANS if re.fullmatch(r"[\w.-]+(/[\w.-]+)+/?", span)}
    own = {path for path in paths if not path.startswith(("systems/mine", "owner/", "github.com/"))}
    known = {
        path
        for path in own
        if (ROOT / path).exists() or any(out.startswith(path) or path.startswith(out) for out in made)
    }
    assert own - known == set()


def test_every_column_of_the_predictions_is_explained() -> None:
    from plateau.evaluation.rows import SCHEMA

    text = section("Examples", ROOT / "docs" / "reading-the-report.md")
    assert set(SCHEMA.names) <= set(first_cells(text))
