"""Raw transcripts and analyses to valid records: `python -m stages.prepare [SYSTEM_DIR]`."""

import time
from collections import Counter

from plateau import files, params, privacy, readers, records, rows, speed, stage
from plateau.contracts import Contract
from plateau.progress import say, track
from plateau.system import System

PARAMS = ("prepare",)


def main(system: System, values: params.Params) -> None:
    """Write data/prepared.parquet, data/rejected.jsonl and metrics/prepare.json; fail past prepare.max_rejected."""
    began = time.perf_counter()
    raw, target = system.path("data", "raw"), Contract.load(system.schema("target"))
    transcript_check = records.transcript_check(Contract.load(system.schema("transcript")))
    transcripts = records.collect(track(readers.read(raw, "transcripts", system.root), "transcripts"), transcript_check)
    analysis_check = records.analysis_check(target)
    analyses = records.collect(track(readers.read(raw, "analyses", system.root), "analyses"), analysis_check)
    pairs = list(records.join(transcripts, analyses))
    summary = records.summary(transcripts, analyses, pairs)
    files.write_jsonl(system.path("data", "rejected.jsonl"), records.rejects(transcripts, analyses))
    records.check_share(summary, values["prepare"]["max_rejected"], system.path("data", "rejected.jsonl"))
    rules, replaced = privacy.rules(values["prepare"]["privacy"], target.schema), Counter[str]()
    made = privacy.batches(rules, records.batches(pairs, target.schema), replaced)
    rows.write(system.path("data", "prepared.parquet"), records.SCHEMA, made)
    files.write_json(
        system.metrics("prepare"), {**summary, "redacted": {kind: replaced[kind] for kind in privacy.KINDS}}
    )
    speed.record(system, "prepare", {"seconds": time.perf_counter() - began, "rows": len(pairs)})
    say(f"prepared {len(pairs):,} of {summary['conversations']:,} conversations; {summary['rejected']:,} rejects")


if __name__ == "__main__":
    stage.run(main, PARAMS)
