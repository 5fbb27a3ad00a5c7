"""`make sync`: write everything that follows from a definition, and print what was added. Without a changed definition it writes nothing.

schemas/params.schema.json and schemas/metrics, stages/effects, every system's params.yaml (order and comments, never a value) and dvc.yaml, and the tables of README
and docs.
"""

import json
import os
from pathlib import Path

from plateau.core.files import write_text
from plateau.metrics.files import FILES
from tools import deps, effects, metrics, params_file, pipeline, tables
from tools.deps import ROOT

SCHEMA = ROOT / "schemas" / "params.schema.json"
LABELS = """\
Labels that people corrected: filled-in copies of `data/review.csv`, or CSV and JSON lines of `id` and the fields that are other ones.
`docs/your-own-data.md` says more. Only `prepare` reads this folder, and no stage writes it.
"""
EXTERNAL = """\
Answers that others gave to the test rows, NAME.jsonl or NAME.parquet of `{id, output, latency_seconds, cost}`; the last two may be left out.
`docs/your-own-data.md` says more. Only the stage `external` reads this folder, and no stage writes it.
"""
MAPPING = ROOT / "schemas" / "mapping.schema.json"


def systems() -> list[Path]:
    """The folders of the systems: the repository and those below systems/."""
    return [ROOT, *sorted(path.parent for path in ROOT.glob("systems/*/params.yaml"))]


def write_schema() -> None:
    """schemas/params.schema.json from the definitions."""
    schema = params_file.json_schema(json.loads(MAPPING.read_text(encoding="utf-8")))
    _write(SCHEMA, json.dumps(schema, indent=2, ensure_ascii=False) + "\n")


def write_effects() -> None:
    """stages/effects/ from the modules that hold texts beside what can change an output."""
    written = {effects.place(module): effects.effect(module) for module in effects.modules()}
    for path, text in written.items():
        _write(path, text)
    for path in set(effects.FOLDER.glob("*")) - set(written):
        path.unlink()


def write_params(system: Path) -> list[str]:
    """Write a system's params.yaml; return lines that say what was added or removed."""
    path = system / "params.yaml"
    text = path.read_text(encoding="utf-8")
    written = params_file.synced(text, os.path.relpath(SCHEMA, system))
    _write(path, written)
    name = path.relative_to(ROOT)
    added = [f"{name}: added {key} with its default" for key in params_file.added(text)]
    return added + [f"{name}: took out the comment {line!r}" for line in params_file.comments_lost(text, written)]


def write_folders(system: Path) -> None:
    """The folders that people fill and stages depend on, each with a word on what belongs there."""
    for name, text in (("labels", LABELS), ("external", EXTERNAL)):
        if not (system / "data" / name / "README.md").exists():
            _write(system / "data" / name / "README.md", text)


def _write(path: Path, text: str) -> None:
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        write_text(path, text)
        print(f"wrote {path.relative_to(ROOT)}")


def main() -> None:
    """Write everything."""
    write_schema()
    write_effects()
    for system in systems():
        print(*(f"{line}\n" for line in write_params(system)), sep="", end="")
        write_folders(system)
        _write(system / "dvc.yaml", pipeline.dvc_yaml(system))
        problems = [line for stage in deps.stages(system) for line in deps.param_problems(stage)]
        print(*(f"{system.name}: {line}\n" for line in problems), sep="", end="")
    for name in FILES:
        _write(
            metrics.FOLDER / f"{name}.schema.json",
            json.dumps(metrics.metrics_schema(name), indent=2, ensure_ascii=False) + "\n",
        )
    tables.rewrite()


if __name__ == "__main__":
    main()
