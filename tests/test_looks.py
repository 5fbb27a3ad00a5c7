"""How many adapters a test split has judged, over commits and experiments, and what that does to an interval."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plateau.core.figures import Estimate, from_json
from plateau.core.system import System
from plateau.decision import looks
from plateau.metrics.evaluate import Evaluate

MAX_LOOKS = 3


def measured(test: str = "t", adapter: str = "a") -> dict[str, Any]:
    return {
        "look": {"test": test, "adapter": adapter},
        "arms": {"adapter": {"score": 0.9, "score_low": 0.88, "score_high": 0.92}},
        "comparisons": {
            "adapter_vs_base": {"score": {"difference": 0.5, "low": 0.4, "high": 0.6}},
            "adapter_vs_linear": {"score": {"difference": 0.05, "low": 0.03, "high": 0.07}},
        },
    }


def git(folder: Path, *command: str) -> str:
    author = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    done = subprocess.run(["git", *author, *command], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def commit(folder: Path, content: object) -> str:
    path = folder / "metrics" / "evaluate.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "run")
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture(params=["", "systems/mine"])
def system(request: pytest.FixtureRequest, tmp_path: Path) -> System:
    """A system in a repository, at its root or below it."""
    git(tmp_path, "init", "-q")
    (tmp_path / request.param).mkdir(parents=True, exist_ok=True)
    return System(tmp_path / request.param)


def said(system: System, now: dict[str, Any]) -> list[str]:
    return list(looks.lines(system, from_json(Evaluate, now, ""), MAX_LOOKS, 0.95))


def test_each_adapter_counts_once_on_the_split_that_it_was_judged_on(system: System) -> None:
    for test, adapter in (("t", "a"), ("t", "b"), ("t", "a"), ("other", "c")):
        commit(system.path(), measured(test, adapter))
    assert looks.judged_by(system, "t") == {"a", "b"}
    assert looks.judged_by(system, "other") == {"c"}
    assert said(system, measured("t", "new"))[0].startswith("this test split has judged 3 different adapters")


def test_experiments_and_other_branches_count_and_files_that_cannot_be_read_do_not(system: System) -> None:
    start = commit(system.path(), measured("t", "a"))
    experiment = commit(system.path(), measured("t", "e"))
    git(system.path(), "update-ref", "refs/exps/aa/bb/name", experiment)
    git(system.path(), "reset", "-q", "--hard", start)
    commit(system.path(), "{ no json")
    commit(system.path(), [1])
    commit(system.path(), {"rows": 1})
    assert looks.judged_by(system, "t") == {"a", "e"}


def test_the_first_adapter_changes_nothing_and_a_folder_without_git_is_no_error(tmp_path: Path) -> None:
    assert said(System(tmp_path), measured()) == [
        "this test split has judged 1 different adapter, in git history and this clone's experiments"
    ]
    assert said(System(tmp_path), {}) == []


def test_more_adapters_widen_the_interval_and_past_the_limit_a_fresh_split_is_advised(system: System) -> None:
    for adapter in "abcd":
        commit(system.path(), measured("t", adapter))
    lines = said(system, measured("t", "d"))
    assert lines[1].startswith("its score of 0.9 (0.88 to 0.92) is known to within 0.8745 to 0.9255")
    assert lines[2].startswith("its gain over linear of 0.05")
    assert "more than gates.max_looks, 3" in lines[3]
    assert len(said(system, measured("t", "d"))) == 4
    assert len(list(looks.lines(system, from_json(Evaluate, measured("t", "d"), ""), 4, 0.95))) == 3


@given(
    value=st.floats(-1, 1),
    below=st.floats(0, 1),
    above=st.floats(0, 1),
    count=st.integers(1, 1000),
    confidence=st.floats(0.51, 0.999),
)
def test_a_corrected_interval_holds_the_plain_one_and_grows_with_the_count(
    value: float, below: float, above: float, count: int, confidence: float
) -> None:
    plain = Estimate(value, value - below, value + above)
    one, more = (looks.corrected(plain, n, confidence) for n in (count, count + 1))
    assert one is not None
    assert more is not None
    assert one.low is not None and more.low is not None and plain.low is not None  # noqa: PT018
    assert more.low <= one.low <= plain.low + 1e-9
    assert looks.corrected(Estimate(value), count, confidence) is None


def test_the_interval_of_one_look_is_the_plain_one() -> None:
    found = looks.corrected(Estimate(0.5, 0.4, 0.6), 1, 0.95)
    assert found == pytest.approx((0.5, 0.4, 0.6))
