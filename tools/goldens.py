"""Goldens are recorded bytes and messages that refactoring must not change. `python -m tools.goldens` compares, `--record` writes them.

tools/goldens.json holds the MD5 of every out of the default and of STAR (from their dvc.lock), of every out of a small run of
the whole pipeline, what prepare makes of broken records, and exit status and message for params that are wrong. A difference
is allowed where tools/goldens.md explains it, a line for each: `out | key | before | after | which bug`.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parent.parent
GOLDENS = ROOT / "tools" / "goldens.json"
REASONS = ROOT / "tools" / "goldens.md"
SMALL = {
    "synthesize.conversations": "1500",
    "split.train_size": "64",
    "split.valid_size": "24",
    "split.test_size": "32",
    "iters": "16",
    "eval_every": "8",
    "rank": "4",
    "evaluate.num_samples": "8",
    "evaluate.diagnostic_rows": "8",
    "evaluate.bootstrap_samples": "100",
}
BAD_PARAMS = {
    "lr": ["-1", "'0.1'", "null", "[1]", ".nan", "1e999", "true"],
    "rank": ["0", "1.5", "'8'", "null"],
    "dropout": ["1", "-0.1", "x"],
    "iters": ["-5", "1e3", "many"],
    "lr_schedule": ["cosin", "null", "3"],
    "fine_tune_type": ["LORA", "qlora"],
    "seed": ["-1", "1.0"],
    "prepare.max_rejected": ["5%", "2", "-0.1"],
    "prepare.privacy.email": ["yes", "1"],
    "prepare.engine": ["spark"],
    "temporal.peak_months": ["[13]", "[0]", "11"],
    "temporal.business_hours.monday": ["8-20", "25:00-26:00"],
    "split.strategy": ["stratified"],
    "split.near_duplicates": ["0", "2"],
    "convert.context": ["[weather]", "timestamp"],
    "train.optimizer": ["sgd"],
    "selection.policy": ["last"],
    "evaluate.arms": ["[adapter]", "[base, best]", "[]"],
    "evaluate.confidence": ["95", "1"],
    "gates.schema_valid": ["2", "high"],
    "overfit.val_rise": ["-1"],
    "report.license": ["MIT"],
    "extra": ["1"],
}
TARGET = {
    "type": "object",
    "additionalProperties": False,
    "required": ["mood"],
    "properties": {"mood": {"enum": ["calm", "angry"]}, "count": {"type": "integer", "minimum": 1, "maximum": 3}},
}
BAD_RECORDS = [
    "{",
    "[]",
    '"text"',
    '{"id": "x1"}',
    '{"id": 7, "start": "2025-01-01T10:00:00Z", "turns": [{"role": "customer", "text": "hi"}]}',
    '{"id": "x2", "start": "yesterday", "turns": [{"role": "customer", "text": "hi"}]}',
    '{"id": "x3", "start": "2025-01-01T10:00:00Z", "turns": []}',
    '{"id": "x4", "start": "2025-01-01T10:00:00Z", "turns": [{"role": "robot", "text": "hi"}]}',
    '{"id": "x5", "start": "2025-01-01T10:00:00Z", "turns": [{"role": "customer", "text": ""}]}',
    '{"id": "x6", "start": "2025-02-30T10:00:00Z", "turns": [{"role": "customer", "text": "hi"}]}',
    '{"id": "x7", "start": "2025-01-01T10:00:00Z", "turns": [{"role": "customer", "text": NaN}]}',
    '{"id": "good1", "start": "2025-01-01T10:00:00Z", "turns": [{"role": "customer", "text": "again"}]}',
]
BAD_ANALYSES = [
    '{"id": "good2", "target": {"mood": "sad"}}',
    '{"id": "good3", "target": {"mood": "calm", "count": 4}}',
    '{"id": "good4", "target": {"mood": "calm", "extra": 1}}',
    '{"id": "good5", "target": {}}',
    '{"id": "good6", "target": {"mood": "calm", "count": "2"}}',
    '{"id": "orphan", "target": {"mood": "calm"}}',
]


def main() -> None:
    """Compare with the goldens, exit 1 on a difference that tools/goldens.md does not explain; or record them."""
    asked = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    asked.add_argument("--record", action="store_true", help="write tools/goldens.json from this working tree")
    found = collect()
    if asked.parse_args().record:
        GOLDENS.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        return
    explained = REASONS.read_text(encoding="utf-8") if REASONS.is_file() else ""
    differences = list(compare(json.loads(GOLDENS.read_text(encoding="utf-8")), found))
    open_ones = [line for place, line in differences if f"`{place}`" not in explained]
    print("\n".join(open_ones))
    print(f"goldens: {len(differences)} differences, {len(differences) - len(open_ones)} of them explained")
    sys.exit(bool(open_ones))


def collect() -> dict[str, Any]:
    """Collect everything that is compared, by part."""
    with tempfile.TemporaryDirectory() as name:
        clone = copied(Path(name) / "clone")
        return {
            "default": outs(ROOT / "dvc.lock"),
            "systems/star": outs(ROOT / "systems" / "star" / "dvc.lock"),
            "params": dict(bad_params(clone)),
            "records": bad_records(clone, Path(name) / "records"),
            "small": small_run(clone),
        }


def compare(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Each place that differs, `part: key`, and a line that says how."""
    for part in before:
        for key in sorted({*before[part], *after[part]}):
            was, now = before[part].get(key), after[part].get(key)
            if was != now:
                yield f"{part}: {key}", f"{part}: {key}\n  before: {was}\n  after:  {now}"


def outs(lock: Path) -> dict[str, str]:
    """MD5 of each out of a dvc.lock, by its path."""
    stages = yaml.safe_load(lock.read_text(encoding="utf-8"))["stages"]
    return {out["path"]: out["md5"] for stage in stages.values() for out in stage.get("outs", ())}


def copied(folder: Path) -> Path:
    """Make a git repository from the files that git tracks here, as they are in the working tree."""
    names = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("\n")
    for name in filter(None, names):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    for words in (["init", "-q"], ["add", "-A"], ["-c", "user.name=x", "-c", "user.email=x@x", "commit", "-qm", "x"]):
        subprocess.run(["git", *words], cwd=folder, check=True)
    return folder


def run(folder: Path, *command: str) -> tuple[int, str]:
    """Exit status and error output of a command; the clone's own path is taken out."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    known = {key: value for key, value in os.environ.items() if key != "DVC_ROOT"} | {"PATH": path}
    done = subprocess.run(command, cwd=folder, env=known, capture_output=True, text=True, check=False)
    return done.returncode, done.stderr.replace(f"{folder}/", "")


def set_param(text: str, key: str, value: str) -> str:
    """The params file with one key, dotted, replaced by YAML text; a key that is absent is added at the end."""
    parts, lines = key.split("."), text.splitlines()
    at = -1
    for depth, part in enumerate(parts):
        at = next((i for i in range(at + 1, len(lines)) if lines[i].startswith(f"{'  ' * depth}{part}:")), -1)
        if at < 0:
            return f"{text}{key}: {value}\n"
    deeper = "  " * len(parts)
    items = (f"{deeper[2:]}- ", deeper) if len(parts) > 1 else ("- ", deeper)
    end = at + 1
    while end < len(lines) and lines[end].startswith(items) and not lines[end].lstrip().startswith("#"):
        end += 1
    lines[at:end] = [f"{deeper[2:]}{parts[-1]}: {value}"]
    return "\n".join(lines) + "\n"


def bad_params(clone: Path) -> Iterator[tuple[str, list[Any]]]:
    """Exit status and message of a stage for each wrong value."""
    file = clone / "params.yaml"
    right = file.read_text(encoding="utf-8")
    for key, values in BAD_PARAMS.items():
        for value in values:
            file.write_text(set_param(right, key, value), encoding="utf-8")
            yield f"{key}={value}", list(run(clone, sys.executable, "-m", "stages.temporal"))
    file.write_text(right, encoding="utf-8")


def bad_records(clone: Path, folder: Path) -> dict[str, Any]:
    """What prepare prints and which records it rejects, given broken records among good ones."""
    (folder / "schemas").mkdir(parents=True)
    (folder / "schemas" / "target.schema.json").write_text(json.dumps(TARGET), encoding="utf-8")
    raw = folder / "data" / "raw"
    raw.mkdir(parents=True)
    good = [
        {"id": f"good{i}", "start": "2025-01-01T10:00:00Z", "turns": [{"role": "customer", "text": f"hi {i}"}]}
        for i in range(40)
    ]
    analyses = [{"id": f"good{i}", "target": {"mood": "calm"}} for i in (1, *range(7, 40))]
    (raw / "transcripts.jsonl").write_text("\n".join([*map(json.dumps, good), *BAD_RECORDS]) + "\n", encoding="utf-8")
    (raw / "analyses.jsonl").write_text("\n".join([*map(json.dumps, analyses), *BAD_ANALYSES]) + "\n", encoding="utf-8")
    text = set_param((clone / "params.yaml").read_text(encoding="utf-8"), "prepare.max_rejected", "0.9")
    (folder / "params.yaml").write_text(text, encoding="utf-8")
    status, said = run(clone, sys.executable, "-m", "stages.prepare", str(folder))
    made = {
        name: (folder / name).read_text(encoding="utf-8").splitlines() if (folder / name).is_file() else None
        for name in ("data/rejected.jsonl", "metrics/prepare.json")
    }
    return {"exit": status, "stderr": said.replace(str(folder), "SYSTEM"), **made}


def small_run(clone: Path) -> dict[str, str]:
    """MD5 of each out of the default's pipeline, made small and run by dvc."""
    file = clone / "params.yaml"
    text = file.read_text(encoding="utf-8")
    for key, value in SMALL.items():
        text = set_param(text, key, value)
    file.write_text(text, encoding="utf-8")
    status, said = run(clone, "dvc", "repro", "--quiet")
    if status:
        sys.exit(f"goldens: the small run failed: {said}")
    return outs(clone / "dvc.lock")


if __name__ == "__main__":
    main()
