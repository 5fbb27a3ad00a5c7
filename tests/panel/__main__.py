"""The panel as a Markdown table: `python -m tests.panel [HEALTHY_RUNS]`."""

import contextlib
import io
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests.conftest import make_tokenizer
from tests.panel.faults import FAULTS, HEALTHY, Fault, Outcome, run


def quietly(fault: Fault, folder: Path, tokenizer_dir: Path, seed: int = 0) -> Outcome:
    """A run without what its stages print."""
    with contextlib.redirect_stdout(io.StringIO()):
        return run(fault, folder, tokenizer_dir, seed)


def main() -> None:
    """Run every fault and some healthy runs, and print what was found."""
    healthy = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    with tempfile.TemporaryDirectory() as scratch:
        tokenizer_dir = make_tokenizer(Path(scratch) / "tokenizer")
        print("| planted | answer | named by |\n|---|---|---|", flush=True)
        for number, fault in enumerate(FAULTS):
            outcome = quietly(fault, Path(scratch) / f"fault{number}", tokenizer_dir)
            print(f"| {fault.name} | {outcome.answer} | {', '.join(outcome.names(fault)) or 'NOT NAMED'} |", flush=True)
        shipped = [
            quietly(HEALTHY, Path(scratch) / f"healthy{seed}", tokenizer_dir, seed).answer == "ship"
            for seed in range(healthy)
        ]
        print(f"| nothing, {healthy} seeds | {sum(shipped)} ship | |", flush=True)


if __name__ == "__main__":
    main()
