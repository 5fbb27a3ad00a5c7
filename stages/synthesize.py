"""synthesize: make up raw transcripts and analyses of a contact centre."""

import datetime as dt

from plateau.core import files, params, stage
from plateau.core.progress import say, track
from plateau.core.system import System
from simulator.contacts import conversations

PARAMS = ("seed", "synthesize")


def main(system: System, values: params.Params) -> None:
    """Write data/raw/transcripts.jsonl and data/raw/analyses.jsonl."""
    options = values["synthesize"]
    first, last = dt.date.fromisoformat(options["start"]), dt.date.fromisoformat(options["end"])
    seed = f"data {values['seed']}"
    drawn = conversations.simulate(options["conversations"], first, last, seed)
    kept = list(track(drawn, "conversations", options["conversations"]))
    files.write_jsonl(system.path("data", "raw", "transcripts.jsonl"), (item.transcript for item in kept))
    files.write_jsonl(
        system.path("data", "raw", "analyses.jsonl"), conversations.label(kept, options["label_noise"], seed)
    )
    say(f"data/raw: {len(kept):,} synthetic conversations from {first} to {last}")


if __name__ == "__main__":
    stage.run(main, PARAMS)
