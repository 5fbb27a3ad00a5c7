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

from tools import deps, pipeline
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


def imports_of_folders() -> dict[str, set[str]]:
    """The folders of code that each folder of code imports from, as paths below the repository.

    A folder and one within it are one package to others: what they import from each other is left out.
    """
    found: dict[str, set[str]] = {}
    for path in (path for name in ("plateau", "simulator", "stages") for path in (ROOT / name).rglob("*.py")):
        files = {file.parent for name in deps.imported_names(path) for file in deps.module_files(name)}
        other = {folder for folder in files if not (folder.is_relative_to(path.parent) or path.is_relative_to(folder))}
        importing = found.setdefault(path.parent.relative_to(ROOT).as_posix(), set())
        importing.update(folder.relative_to(ROOT).as_posix() for folder in other)
    return found


def test_packages_import_one_way() -> None:
    imports = imports_of_folders()
    order = list(graphlib.TopologicalSorter(imports).static_order())  # raises CycleError
    assert order[-1] == "stages"
    assert "plateau/lm" in imports["plateau/training"]


@each_system
def test_dvc_yaml_is_what_its_definitions_and_the_code_give(system: Path) -> None:
    assert (system / "dvc.yaml").read_text(encoding="utf-8") == pipeline.dvc_yaml(system), "run `make sync`"


@each_stage
def test_no_stage_depends_on_a_module_without_effect_and_each_of_these_exists(stage: Stage) -> None:
    assert set(deps.WITHOUT_EFFECT) & set(stage.paths("deps")) == set()
    assert [name for name in deps.WITHOUT_EFFECT if not (ROOT / name).is_file()] == []


def test_adding_a_stage_takes_a_module_and_one_entry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = repository(tmp_path, monkeypatch)
    entry = {"desc": "Say what it is for.", "deps": ["data/raw"], "outs": ["data/b.csv", "metrics/b.json"]}
    write(folder, {"stages/pipeline.yaml": yaml.safe_dump({"stages": {"b": entry}, "metrics": [], "plots": []})})
    made = yaml.safe_load(pipeline.dvc_yaml(folder / "systems" / "mine"))["stages"]["b"]
    assert made == {
        "desc": "Say what it is for.",
        "cmd": "python -m stages.b systems/mine",
        "wdir": "../..",
        "deps": ["house/door.py", "stages/b.py", "systems/mine/data/raw"],
        "params": [{"systems/mine/params.yaml": ["lr"]}],
        "outs": ["systems/mine/data/b.csv", {"systems/mine/metrics/b.json": {"cache": False}}],
    }


def test_a_stage_of_the_system_stands_before_the_first_that_reads_what_it_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = repository(tmp_path, monkeypatch)
    shared = {"a": {"desc": "A.", "outs": ["x"]}, "b": {"desc": "B.", "deps": ["data/raw"], "outs": ["y"]}}
    own = {
        "about": "Mine.",
        "stages": {"bring": {"desc": "C.", "module": "a", "outs": ["data/raw"]}},
        "artifacts": {"m": 1},
    }
    write(
        folder,
        {
            "stages/pipeline.yaml": yaml.safe_dump({"stages": shared, "metrics": [], "plots": []}, sort_keys=False),
            "systems/mine/system.yaml": yaml.safe_dump(own),
        },
    )
    text = pipeline.dvc_yaml(folder / "systems" / "mine")
    made = yaml.safe_load(text)
    assert text.startswith("# Mine.\n")
    assert list(made["stages"]) == ["a", "bring", "b"]
    assert made["stages"]["bring"]["cmd"] == "python -m stages.a systems/mine"
    assert made["artifacts"] == {"m": 1}


def repository(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small repository with two stage modules, and a system in it."""
    for module in (deps, pipeline):
        monkeypatch.setattr(module, "ROOT", folder)
    monkeypatch.setattr(pipeline, "PIPELINE", folder / "stages" / "pipeline.yaml")
    monkeypatch.setattr(deps, "WITHOUT_EFFECT", ("house/bell.py",))
    texts = {
        "stages/a.py": "PARAMS = ()\n",
        "stages/b.py": 'from house import door\nPARAMS = ("lr",)\n',
        "house/door.py": "import house.bell\n",
        "house/bell.py": "import house.wire\n",
        "house/wire.py": "",
    }
    write(folder, texts)
    return folder


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


@each_system
def test_a_changed_score_gate_or_chart_reruns_neither_data_nor_training_nor_generation(system: Path) -> None:
    judging = ("scoring", "stats", "evaluation/figures", "kinds/", "decision/gates", "report/")
    expensive = ("prepare", "split", "convert", "train", "opponents", "answers")
    stale = {
        f"{stage.name}: {path}"
        for stage in deps.stages(system)
        for path in stage.paths("deps")
        if stage.name in expensive and path.startswith("plateau/") and any(part in path for part in judging)
    }
    assert stale == set()


@each_system
def test_the_base_model_is_asked_without_the_adapter(system: Path) -> None:
    asked = next(stage for stage in deps.stages(system) if stage.name == "opponents")
    assert [path for path in asked.paths("deps") if "adapters" in path or path.endswith("selection.json")] == []
    assert not asked.params() & {"lr", "rank", "train", "selection"}


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
    assert re.search(
        r'\n\n\nif __name__ == "__main__":\n(    .*\n)*    +(stage\.)?run\(main, PARAMS(, UNTRACKED)?(, plan=show_plan)?(, note=NOTE)?\)\n\Z',
        text,
    )


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


@each_system
def test_timings_are_a_metric_but_no_out(system: Path) -> None:
    content = yaml.safe_load((system / "dvc.yaml").read_text(encoding="utf-8"))
    assert content["metrics"] == ["metrics/speed.json"]


def test_every_stage_module_is_a_stage_or_a_command_for_people() -> None:
    run = {stage.module.stem for stage in STAGES}
    commands = {"gate", "compare", "new", "predict", "preview", "unseal", "__init__"}
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


def test_a_comment_in_what_people_see_reruns_no_training_and_no_generation() -> None:
    found = deps.reruns()
    shown = [name for name in found if name.startswith(("plateau/report/", "plateau/metrics/"))]
    seen = [
        *shown,
        "plateau/core/progress.py",
        "plateau/core/stage.py",
        "plateau/training/display.py",
        "plateau/evaluation/arms.py",
    ]
    dear = {"train", "opponents", "answers"}
    assert len(seen) > 20
    assert {name: found[name] for name in seen if dear & set(found[name])} == {}
