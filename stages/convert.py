"""Split rows to chat messages and token ids: `python -m stages.convert [SYSTEM_DIR]`."""

import time

from plateau import chat, conversion, files, params, rows, speed, stage
from plateau.examples import Renderer
from plateau.progress import say, track
from plateau.system import SPLITS, System

PARAMS = ("convert", "max_seq_length")


def main(system: System, values: params.Params) -> None:
    """Write data/mlx/*.jsonl, data/tokens/*.arrow and metrics/convert.json."""
    began = time.perf_counter()
    tokenizer = chat.load_tokenizer(system.path("models", "base"))
    renderer = Renderer(tokenizer, **values["convert"], max_length=values["max_seq_length"])
    summary = {}
    for name in SPLITS:
        made = conversion.examples(renderer, rows.read(system.split(name)), system.split(name))
        mlx = system.path("data", "mlx", f"{name}.jsonl")
        summary[name] = conversion.write(track(made, name), mlx, system.tokens(name))
    files.write_json(system.metrics("convert"), summary)
    count = sum(figures["rows"] for figures in summary.values())
    speed.record(system, "convert", {"seconds": time.perf_counter() - began, "rows": count})
    say(
        f"converted {count:,} rows; {sum(figures['truncated'] for figures in summary.values()):,} lost turns to max_seq_length"
    )


if __name__ == "__main__":
    stage.run(main, PARAMS)
