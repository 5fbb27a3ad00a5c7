"""import_star: convert STAR's dialogues to raw transcripts and analyses, for systems/star."""

import os

from plateau.core import files, params, stage
from plateau.core.progress import say
from plateau.core.system import System
from systems.star import dialogues

PARAMS = ()


def main(system: System, _: params.Params) -> None:
    """Write data/raw/ from the folder that the environment variable STAR_DATA names."""
    folder = dialogues.folder(os.environ.get("STAR_DATA"))
    kept = [dialogue for dialogue in dialogues.read(folder) if dialogues.wanted(dialogue)]
    raw = system.path("data", "raw")
    files.write_jsonl(raw / "transcripts.jsonl", map(dialogues.transcript, kept))
    files.write_jsonl(raw / "analyses.jsonl", map(dialogues.analysis, kept))
    say(f"imported {len(kept):,} complete dialogues of one task from {folder}")


if __name__ == "__main__":
    stage.run(main, PARAMS)
