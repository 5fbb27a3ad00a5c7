"""convert: render the rows of each split as chat messages and as token ids."""

import time

from plateau.core import files, params, stage, timings
from plateau.core.figures import to_json
from plateau.core.progress import say, track
from plateau.core.system import SPLITS, System
from plateau.data import asked, engine
from plateau.decision import wanted
from plateau.metrics.convert import Convert, Lengths
from plateau.prompts import conversion

PARAMS = ("convert", "max_seq_length")


def main(system: System, values: params.Params) -> None:
    """Write data/mlx/*.jsonl, data/tokens/*.arrow and metrics/convert.json."""
    asked.check(system)
    wanted.check(system)
    began = time.perf_counter()
    setup = conversion.setup(system, values)
    conversion.renderer(setup)  # so that a fault of the tokenizer or template is reported before any row is read
    summary: dict[str, Lengths] = {}
    with engine.local(None) as pool:
        for name in SPLITS:
            if name == "test":  # asked as in use, where nobody knows how long the answer will be
                setup = setup._replace(room=summary["train"].completion_tokens_max)
            made = conversion.convert_file(pool, setup, system.split(name))
            mlx = system.path("data", "mlx", f"{name}.jsonl")
            summary[name] = conversion.write(track(made, f"{name}, batches"), mlx, system.tokens(name))
    files.write_json(system.metrics("convert"), to_json(Convert(**summary)))
    count = sum(figures.rows for figures in summary.values())
    timings.record(system, "convert", {"seconds": time.perf_counter() - began, "rows": count})
    say(
        f"converted {count:,} rows; {sum(figures.truncated for figures in summary.values()):,} lost turns to max_seq_length"
    )


if __name__ == "__main__":
    stage.run(main, PARAMS)
