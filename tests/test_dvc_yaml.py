"""dvc.yaml says of every stage what its code says: deps, params, outs. Otherwise DVC serves stale results."""

import copy
import dataclasses
import graphlib
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tools import deps
from tools.deps import ROOT, Stage

SYSTEMS = [ROOT, *sorted(path.parent for path in ROOT.glob("systems/*/dvc.yaml"))]
STAGES = [stage for system in SYSTEMS for stage in deps.stages(system)]


def label(stage: Stage) -> str:
    return f"{stage.system.name}-{stage.name}"


each_stage = pytest.mark.parametrize("stage", STAGES, ids=label)
each_system = pytest.mark.parametrize("system", SYSTEMS, ids=lambda path: path.name)


def changed(stage: Stage, **entry: Any) -> Stage:
    """The stage with parts of its entry replaced."""
    return dataclasses.replace(stage, entry=copy.deepcopy(stage.entry) | entry)


def test_packages_import_one_way() -> None:
    imports = deps.imports_of_folders()
    order = list(graphlib.TopologicalSorter(imports).static_order())  # raises CycleError
    assert order[-1] == "stages"
    assert "plateau/lm" in imports["plateau/training"]


@each_stage
def test_deps_name_all_code_that_the_stage_runs_and_no_other(stage: Stage) -> None:
    assert deps.dep_problems(stage) == []


@each_stage
def test_a_code_dep_taken_away_or_added_is_noticed(stage: Stage) -> None:
    listed = stage.entry["deps"]
    for path in filter(deps.is_code, listed):
        without = changed(stage, deps=[other for other in listed if other != path])
        assert deps.dep_problems(without) == [f"{stage.name}: add dep {path}"]
    needless = changed(stage, deps=[*listed, "tools/deps.py"])
    assert deps.dep_problems(needless) == [
        f"{stage.name}: drop dep tools/deps.py, nothing imports or reads it, or not all of it"
    ]


@each_stage
def test_a_folder_stands_in_deps_where_all_of_it_is_needed_and_only_there(stage: Stage) -> None:
    listed = stage.entry["deps"]
    for folder, files in deps.folders():
        if folder in listed:
            each = changed(stage, deps=[*(path for path in listed if path != folder), *files])
            drops = [f"{stage.name}: drop dep {path}, its folder stands for it" for path in sorted(files)]
            assert deps.dep_problems(each) == [f"{stage.name}: add dep {folder}", *drops]
        elif not any(folder.startswith(f"{path}/") for path in listed):
            more = changed(stage, deps=[*listed, folder])
            assert deps.dep_problems(more) == [
                f"{stage.name}: drop dep {folder}, nothing imports or reads it, or not all of it"
            ]


@each_stage
def test_params_are_those_that_the_stage_reads(stage: Stage) -> None:
    assert deps.param_problems(stage) == []


@each_stage
def test_a_param_taken_away_or_added_is_noticed(stage: Stage) -> None:
    file = str(stage.system.relative_to(ROOT) / "params.yaml")
    keys = sorted(stage.params())
    for key in keys:
        without = changed(stage, params=[{file: [other for other in keys if other != key]}])
        assert deps.param_problems(without) == [f"{stage.name}: add param {key}"]
    unread = next(key for key in ("lr", "synthesize") if key not in keys)
    more = changed(stage, params=[{file: [*keys, unread]}])
    assert deps.param_problems(more) == [f"{stage.name}: drop param {unread}, PARAMS has it not"]


@each_stage
def test_the_command_runs_the_stage_module_on_its_system_from_the_repository(stage: Stage) -> None:
    inside = stage.system != ROOT
    arguments = [str(stage.system.relative_to(ROOT))] if inside else []
    assert stage.entry["cmd"].split()[3:] == arguments
    assert stage.entry["cmd"].startswith(f"python -m stages.{stage.name}") or inside
    assert stage.folder == ROOT


@each_stage
def test_the_stage_says_in_prose_what_it_is_for(stage: Stage) -> None:
    text = stage.entry["desc"]
    assert len(text.split()) >= 6
    assert text.rstrip().endswith(".")


@each_stage
def test_the_module_ends_by_running_main_with_its_params(stage: Stage) -> None:
    text = stage.module.read_text(encoding="utf-8")
    assert re.search(r'\n\n\nif __name__ == "__main__":\n(    .*\n)*    +(stage\.)?run\(main, PARAMS\)\n\Z', text)


@each_stage
def test_metrics_and_plots_stay_out_of_the_cache(stage: Stage) -> None:
    shown = stage.paths("metrics") | stage.paths("plots")
    assert [path for path, options in shown.items() if options.get("cache") is not False] == []
    folder = (stage.system / "metrics").relative_to(ROOT).as_posix()
    outs = stage.paths("outs") | shown
    in_git = {path for path in outs if path.startswith(f"{folder}/")}
    assert [path for path in in_git if outs[path].get("cache") is not False] == []
    assert f"{folder}/speed.json" not in outs, "timings would change dvc.lock at every run"


@each_stage
def test_nothing_is_persisted(stage: Stage) -> None:
    assert not any(options.get("persist") for options in stage.paths("outs").values()), "it disables the run cache"


@each_stage
def test_git_ignores_what_dvc_caches_and_only_that(stage: Stage) -> None:
    outs = stage.paths("outs") | stage.paths("metrics") | stage.paths("plots")
    for path, options in outs.items():
        folder = "" if Path(path).suffix else "/"
        asked = ["git", "check-ignore", "-q", "--no-index", f"{path}{folder}"]
        ignored = subprocess.run(asked, cwd=ROOT, check=False).returncode == 0
        assert ignored == (options.get("cache") is not False), path


@each_system
def test_what_a_stage_reads_another_makes_or_git_holds(system: Path) -> None:
    made = {
        path for stage in deps.stages(system) for kind in ("outs", "metrics", "plots") for path in stage.paths(kind)
    }
    for stage in deps.stages(system):
        for path in stage.paths("deps"):
            tracked = subprocess.run(
                ["git", "ls-files", "--error-unmatch", path], cwd=ROOT, capture_output=True, check=False
            )
            in_made = any(path == out or path.startswith(f"{out}/") or out.startswith(f"{path}/") for out in made)
            assert in_made or tracked.returncode == 0 or (ROOT / path).exists(), f"{stage.name}: {path}"


def files(stage: Stage, *kinds: str) -> set[str]:
    """Data that a stage names, below its system; a schema by its name alone, for a system may have its own."""
    inside = stage.system.relative_to(ROOT).as_posix()
    paths = {path for kind in kinds for path in stage.paths(kind) if ".schema." in path or not deps.is_code(path)}
    below = {path.removeprefix(f"{inside}/") for path in paths}
    return {path for path in below if path != "models/reference"}


@each_system
def test_the_systems_share_their_stages(system: Path) -> None:
    shared = {stage.module: stage for stage in deps.stages(ROOT)}
    for stage in deps.stages(system):
        if stage.module in shared:
            for kinds in (["deps"], ["outs", "metrics", "plots"]):
                assert files(stage, *kinds) == files(shared[stage.module], *kinds), stage.name


@each_system
def test_timings_are_a_metric_but_no_out(system: Path) -> None:
    content = yaml.safe_load((system / "dvc.yaml").read_text(encoding="utf-8"))
    assert content["metrics"] == ["metrics/speed.json"]


def test_every_stage_module_is_a_stage_or_a_command_for_people() -> None:
    run = {stage.module.stem for stage in STAGES}
    commands = {"gate", "compare", "preview", "__init__"}
    assert {path.stem for path in (ROOT / "stages").glob("*.py")} - run - commands == set()


def write(folder: Path, texts: dict[str, str]) -> None:
    """Files by name, with their text."""
    for name, text in texts.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")


def test_imports_are_followed_to_the_end_wherever_they_stand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deps, "ROOT", tmp_path)
    texts = {
        "stages/one.py": "from house import door\ndef main():\n    import house.cellar.wine as w\n",
        "house/__init__.py": '"""Only words."""\n',
        "house/door.py": "from . import lock\nimport json\n",
        "house/lock.py": "from house.door import KEY\n",
        "house/cellar/__init__.py": "from house.cellar.shelf import Shelf\n",
        "house/cellar/wine.py": "",
        "house/cellar/shelf.py": "from ..attic import Box\n",
        "house/attic.py": "",
        "house/garden.py": "import house.door\n",
    }
    write(tmp_path, texts)
    found = {path.relative_to(tmp_path).as_posix() for path in deps.modules(tmp_path / "stages" / "one.py")}
    assert found == set(texts) - {"house/__init__.py", "house/garden.py"}


def test_a_folder_stands_for_its_modules_with_code_and_its_templates(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deps, "ROOT", tmp_path)
    texts = {
        "plateau/__init__.py": "import os\n",
        "plateau/top.py": "",
        "plateau/inner/__init__.py": '"""Only words."""\n',
        "plateau/inner/one.py": "A = 1\n",
        "plateau/inner/page.py": "B = 1\n",
        "plateau/inner/templates/a.md.j2": "",
        "plateau/inner/templates/b.md.j2": "",
        "simulator/all/one.py": "C = 1\n",
        "stages/one.py": "D = 1\n",
    }
    write(tmp_path, texts)
    everything = set(texts) - {"plateau/inner/__init__.py"}
    outside = {"plateau/__init__.py", "plateau/top.py", "stages/one.py"}
    assert deps.folded(everything) == outside | {"plateau/inner", "simulator/all"}
    without_one = deps.folded(everything - {"plateau/inner/one.py"})
    assert without_one == outside | {"plateau/inner/page.py", "plateau/inner/templates", "simulator/all"}
    without_a = deps.folded(everything - {"plateau/inner/templates/a.md.j2"})
    assert "plateau/inner" not in without_a
    assert "plateau/inner/templates/b.md.j2" in without_a


KNOBS: dict[str, Any] = {
    "lr": {},
    "seed": {},
    "rank": {},
    "split": {"properties": {"strategy": {}, "train_size": {}, "valid_size": {}, "test_size": {}, "group_by": {}}},
    "overfit": {"properties": {"val_rise": {}}},
    "report": {"properties": {"title": {}}},
}


@pytest.mark.parametrize(
    ("keys", "body", "problems"),
    [
        ('("lr",)', 'p["lr"]', []),
        ('("lr", "seed")', 'p["lr"]', ["s: PARAMS names seed, which no code reads"]),
        ('("lr",)', 'p["lr"], p["seed"]', ["s: reads seed, which PARAMS names not"]),
        ('("split",)', 'f(p["split"], "strategy", "train_size", "valid_size", "test_size", "group_by")', []),
        (
            '("split",)',
            'f(p["split"], "strategy", "train_size", "group_by", "test_size")',
            ["s: PARAMS names split.valid_size, which no code reads"],
        ),
        ('("overfit", "report")', 'p["report"]["title"]', ["s: PARAMS names overfit.val_rise, which no code reads"]),
        ('("report",)', 'p["report"]["title"]', []),
        ('("split.group_by",)', 'p["split"]["group_by"]', []),
        (
            '("split.group_by",)',
            'p["split"]["strategy"]',
            [
                "s: PARAMS names split.group_by, which no code reads",
                "s: reads split.strategy, which PARAMS names not",
            ],
        ),
        ('("split.group_by",)', 'f(**p["split"])', ["s: PARAMS names split.group_by, which no code reads"]),
        ('("split.group_by",)', 'f(p["split"], group_by=1)', []),
        ('("lr", "rank")', "f(p).lr", ["s: PARAMS names rank, which no code reads"]),
        ('("lr", "rank")', 'f(p, lr=1)["rank"]', []),
        (
            '("lr", "split.group_by")',
            "{k: p[k] for k in PARAMS}",
            ["s: PARAMS names split.group_by, which no code reads"],
        ),
        ('("lr",)', "{k: p[k] for k in OTHERS}", ["s: PARAMS names lr, which no code reads"]),
    ],
)
def test_params_are_compared_with_what_the_code_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keys: str, body: str, problems: list[str]
) -> None:
    monkeypatch.setattr(deps, "ROOT", tmp_path)
    monkeypatch.setattr(deps, "SCHEMA", {"properties": KNOBS})
    text = f"PARAMS: tuple[str, ...] = {keys}\ndef main(system: System, p: Params) -> None:\n    {body}\n"
    (tmp_path / "s.py").write_text(text, encoding="utf-8")
    entry = {"cmd": "python -m s", "params": list(deps.declared(tmp_path / "s.py"))}
    assert deps.param_problems(Stage(tmp_path, "s", entry)) == problems
