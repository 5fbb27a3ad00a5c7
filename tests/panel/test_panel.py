"""Each planted fault is named, with the right reason, and healthy runs ship: no false alarm over 20 seeds."""

from pathlib import Path

import pytest

from tests.panel.faults import FAULTS, HEALTHY, Fault, run

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_planted_fault_is_named_and_does_not_ship(fault: Fault, tmp_path: Path, tokenizer_dir: Path) -> None:
    outcome = run(fault, tmp_path, tokenizer_dir)
    assert outcome.answer != "ship"
    assert outcome.names(fault), outcome


@pytest.mark.parametrize("seed", range(20))
def test_a_healthy_run_ships(seed: int, tmp_path: Path, tokenizer_dir: Path) -> None:
    outcome = run(HEALTHY, tmp_path, tokenizer_dir, seed)
    assert (outcome.answer, outcome.verdict, outcome.failed) == ("ship", "healthy", ()), outcome
