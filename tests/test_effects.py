"""Modules that no stage depends on in dvc.yaml can change no out: a system is run with each of them hollow, and with all of them as they are."""

import ast
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest
import tiny

from plateau.core.files import sha256
from tools import deps, goldens

STAGES = ("synthesize", "base", "prepare", "temporal", "split", "convert", "train", "select")
LATER = ("baselines", "opponents", "answers", "evaluate", "overfit_check", "report")
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


def outs(folder: Path, hollowed: Iterable[str], stages: Iterable[str]) -> dict[str, str]:
    """SHA-256 of all that a small run of the stages writes, in a copy of the repository with some modules hollow."""
    clone = goldens.copied(folder)
    tiny.write_params(clone, SMALL)
    for name in hollowed:
        text = (clone / name).read_text(encoding="utf-8")
        (clone / name).write_text(hollow(text), encoding="utf-8")
    environment = {key: value for key, value in os.environ.items() if key != "DVC_ROOT"}
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


@pytest.mark.slow
def test_all_outs_are_the_same_bytes_whether_modules_without_effect_do_anything_or_nothing(tmp_path: Path) -> None:
    stages = (*STAGES, *LATER)
    as_they_are = outs(tmp_path / "real", (), stages)
    assert {name.split("/")[0] for name in as_they_are} == {"data", "adapters", "metrics", "reports"}
    assert outs(tmp_path / "hollow", deps.WITHOUT_EFFECT, stages) == as_they_are


@pytest.mark.slow
def test_a_module_that_can_change_an_out_is_found(tmp_path: Path) -> None:
    stages = ("synthesize", "prepare", "temporal")
    as_they_are = outs(tmp_path / "real", (), stages)
    with pytest.raises(AssertionError):
        assert outs(tmp_path / "hollow", ("plateau/data/history.py",), stages) == as_they_are
