"""Modules that no stage depends on in dvc.yaml can change no out: a system is run with each of them hollow, and with all of them as they are."""

import ast
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest
import tiny

from plateau.core.files import sha256
from tools import deps, effects, goldens

STAGES = (
    *("synthesize", "base", "prepare", "temporal", "split", "convert", "train", "select"),
    *("baselines", "opponents", "external", "answers", "evaluate", "overfit_check", "report"),
)
SMALL = {
    "synthesize.conversations": 600,
    "split.train_size": 32,
    "split.valid_size": 12,
    "split.test_size": 12,
    "split.group_by": None,
    "iters": 4,
    "eval_every": 2,
    "rank": 2,
    "evaluate.num_samples": 4,
    "evaluate.diagnostic_rows": 4,
    "evaluate.bootstrap_samples": 100,
    "evaluate.max_tokens": 40,
    "evaluate.arms": ["base", "adapter"],
}
RUN = "import runpy, sys\nfor name in sys.argv.pop(1).split(','):\n    runpy.run_module(f'stages.{name}', run_name='__main__')\n"
# What a function that does nothing must still give for its caller to go on.
GIVES = {
    "run": "from plateau.core import params, system; place = system.System(pathlib.Path('.')); "
    "given[0](place, params.load(place, [key for keys in given[1:] for key in keys]))",
    "track": "return iter(given[0])",
    "interruption": "return lambda: False",
    "finishing": "import contextlib; return contextlib.nullcontext()",
    "kept": "return {}",
    "read": "return {}",
    "__enter__": "return given[0]",
    "__init__": "given[0].tokens_per_second = 1.0",
}


def hollow(source: str) -> str:
    """A module with the same names that does nothing: functions and methods do what GIVES says, classes keep their bases."""

    def emptied(nodes: Iterable[ast.stmt], indent: str = "") -> str:
        made = ""
        for node in nodes:
            if isinstance(node, ast.FunctionDef):
                made += f"{indent}def {node.name}(*given, **named): {GIVES.get(node.name, 'return None')}\n"
            elif isinstance(node, ast.ClassDef):
                bases = ", ".join(map(ast.unparse, node.bases))
                made += f"{indent}class {node.name}({bases}):\n{emptied(node.body, indent + '    ')}{indent}    pass\n"
        return made

    return f"import pathlib\n{emptied(ast.parse(source).body)}"


def hollowed(*names: str) -> dict[str, str]:
    """The text of modules that do nothing, by name."""
    return {name: hollow((deps.ROOT / name).read_text(encoding="utf-8")) for name in names}


def outs(folder: Path, *runs: tuple[Iterable[str], Mapping[str, str]]) -> dict[str, str]:
    """SHA-256 of all that small runs of stages write, one after the other in a copy of the repository: each with other texts of some modules."""
    clone = goldens.copied(folder)
    tiny.write_params(clone, SMALL)
    environment = {key: value for key, value in os.environ.items() if key != "DVC_ROOT"}
    for stages, texts in runs:
        subprocess.run(["git", "checkout", "-q", "plateau"], cwd=clone, check=True)
        for name, text in texts.items():
            (clone / name).write_text(text, encoding="utf-8")
        asked = [sys.executable, "-W", "ignore", "-c", RUN, ",".join(stages)]
        done = subprocess.run(asked, cwd=clone, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    made = (path for name in ("data", "adapters", "metrics", "reports") for path in (clone / name).rglob("*"))
    return {
        path.relative_to(clone).as_posix(): sha256(path)
        for path in made
        if path.is_file() and path.name not in ("speed.json", "speed.html")
    }


def test_a_hollow_module_keeps_its_names_and_does_nothing() -> None:
    made = hollow("class E(ValueError):\n    def m(self): return 1\ndef f(a): return a\nasync def g(): pass\n")
    space: dict[str, object] = {}
    exec(made, space)
    assert issubclass(space["E"], ValueError)  # type: ignore[arg-type]
    assert space["f"](1) is None  # type: ignore[operator]


@pytest.mark.parametrize(
    ("module", "old", "new", "same"),
    [
        ("metrics/train.py", '"why training stopped"', '"for what reason"', True),
        ("metrics/train.py", "\n\n\n@dataclass", "  # a comment\n\n\n@dataclass", True),
        ("metrics/overfit.py", '"""one evaluation point"""', '"""a point"""', True),
        ("metrics/train.py", "stop_reason:", "reason:", False),
        ("metrics/train.py", "Limits(None, 1)", "Limits(None, 2)", False),
        ("metrics/train.py", '"max_iters"', '"iterations"', False),
        ("evaluation/arms.py", '"#3b82c4", 1, ', '"#000000", 12, ', True),
        ("evaluation/arms.py", '"the base model with an instruction"', '"another"', True),
        ("evaluation/arms.py", 'label="the base model"', 'label="the base"', True),
        ("evaluation/arms.py", "needed=True", "needed=False", False),
        ("evaluation/arms.py", '"adapter_constrained"', '"adapter_held"', False),
    ],
)
def test_texts_and_colours_are_no_part_of_what_changes_an_output(module: str, old: str, new: str, same: bool) -> None:
    source = (deps.ROOT / "plateau" / module).read_text(encoding="utf-8")
    assert old in source
    assert (effects.stripped(source.replace(old, new)) == effects.stripped(source)) is same


@pytest.mark.slow
def test_all_outs_are_the_same_bytes_whether_modules_without_effect_do_anything_or_nothing(tmp_path: Path) -> None:
    """And whether texts that only pages show stand in a module, but for the stages that make these pages."""
    as_they_are = outs(tmp_path / "real", (STAGES, {}))
    assert {name.split("/")[0] for name in as_they_are} == {"data", "adapters", "metrics", "reports"}
    nothing = hollowed(*deps.WITHOUT_EFFECT)
    stripped = {module.relative_to(deps.ROOT).as_posix(): effects.effect(module) for module in effects.modules()}
    showing = [one.name for one in deps.stages(deps.ROOT) if stripped.keys() & one.paths("deps")]
    assert showing == ["overfit_check", "report"]
    unseen = [name for name in STAGES if name not in showing]
    assert outs(tmp_path / "hollow", (unseen, nothing | stripped), (showing, nothing)) == as_they_are


@pytest.mark.slow
def test_a_module_that_can_change_an_out_is_found(tmp_path: Path) -> None:
    stages = ("synthesize", "prepare", "temporal")
    as_they_are = outs(tmp_path / "real", (stages, {}))
    with pytest.raises(AssertionError):
        assert outs(tmp_path / "hollow", (stages, hollowed("plateau/data/history.py"))) == as_they_are
