"""How the first raw records are understood, for people: raw text, record, and the prompt with what the model must say marked."""

import json
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from plateau.core.errors import BadInputError
from plateau.core.system import System
from plateau.data import calendar, preparation, privacy, records
from plateau.data.readers import Raw, parsed
from plateau.data.records import Rules
from plateau.lm.base import REFERENCE
from plateau.prompts.chat import load_tokenizer
from plateau.prompts.examples import Renderer

LOOKED_AT = 100_000
SHOWN = 600
MARKS = ("\u00ab", "\u00bb")


def pages(system: System, rules: Rules, values: Mapping[str, Any], count: int) -> Iterator[str]:
    """One text a record, for the first `count` transcripts."""
    declared = json.loads(rules.mapping)
    with tempfile.TemporaryDirectory() as folder:
        found = list(islice(_items(system, declared, "transcripts", Path(folder), LOOKED_AT), count))
    judged = [(raw, *records.judged(rules, "transcripts", raw)) for raw in found]
    wanted = {name for _, value, _ in judged if (name := records.identity(value))}
    targets = _targets(system, rules, found, wanted)
    for raw, value, problem in judged:
        parts = [f"{raw.file} line {raw.line}\n{raw.shown()[:SHOWN]}"]
        parts += [f"record\n{json.dumps(value, ensure_ascii=False, indent=2)}"]
        if problem:
            parts += [f"rejected\n{problem.reason}: {problem.detail}"]
        else:
            parts += _answer(system, rules, values, value, targets.get(value["id"]))
        yield "\n\n".join(parts)


def rejects(system: System, rules: Rules) -> Iterator[str]:
    """One text for each of the first records that prepare would set aside: where, why, and the raw text.

    Records that do not hold come first, then those without a partner of their id, as far as the first LOOKED_AT tell.
    """
    declared = json.loads(rules.mapping)
    known: dict[str, dict[str, Raw]] = {kind: {} for kind in records.KINDS}
    for _, kinds in preparation.passes(declared):
        with tempfile.TemporaryDirectory() as folder:
            for raw in _items(system, declared, kinds[0], Path(folder), LOOKED_AT):
                for kind in kinds:
                    value, problem = records.judged(rules, kind, raw)
                    if name := records.identity(value):
                        known[kind].setdefault(name, raw)
                    if problem:
                        yield _reject(raw, *problem)
                        break
    for kind, other, reason in (
        ("transcripts", "analyses", "missing_analysis"),
        ("analyses", "transcripts", "missing_transcript"),
    ):
        absent = [name for name in known[kind] if name not in known[other]] if len(known[other]) < LOOKED_AT else []
        for name in absent:
            yield _reject(known[kind][name], reason, f"none of the {other} has the id {name!r}")


def _reject(raw: Raw, reason: str, detail: str) -> str:
    return f"{raw.file} line {raw.line}\nrejected\n{reason}: {detail}\n\n{raw.shown()[:SHOWN]}"


def _items(system: System, declared: Any, kind: str, folder: Path, most: int) -> Iterator[Raw]:
    """The first items of one kind; where each row is a turn, those that the first rows make up."""
    raws = preparation.raws(system, declared, kind)
    return map(parsed, preparation.gathered(islice(raws, most), declared, kind, folder, 1))


def _targets(system: System, rules: Rules, found: Iterable[Raw], wanted: set[str]) -> dict[str, Any]:
    """Analyses by id, with what is wrong with them: of the same records, or of a source of their own."""
    declared = json.loads(rules.mapping)
    both = len(preparation.passes(declared)) == 1
    raws = found if both else map(parsed, islice(preparation.raws(system, declared, "analyses"), LOOKED_AT))
    kept: dict[str, Any] = {}
    for raw in raws:
        value, problem = records.judged(rules, "analyses", raw)
        name = records.identity(value)
        if name in wanted and name not in kept:
            kept[name] = (value, problem)
        if len(kept) == len(wanted):
            break
    return kept


def _answer(system: System, rules: Rules, values: Mapping[str, Any], transcript: Any, found: Any) -> list[str]:
    """The analysis, and the prompt when there is a tokenizer to render it."""
    if found is None:
        return [f"rejected\nmissing_analysis: none of the first {LOOKED_AT:,} has this id"]
    analysis, problem = found
    shown = f"analysis\n{json.dumps(analysis, ensure_ascii=False, indent=2)}"
    if problem:
        return [shown, f"rejected\n{problem.reason}: {problem.detail}"]
    try:
        tokenizer = load_tokenizer(_model(system, values), values["convert"]["template_date"])
    except BadInputError as error:
        return [shown, f"prompt\nnot rendered: {error}"]
    target = records.compiled(rules)[1].text(analysis["target"])
    guard = privacy.rules(preparation.options(values["prepare"])["privacy"], json.loads(rules.target))
    whole = pa.RecordBatch.from_pylist([{**records.row(transcript, 0), "target": target}], records.SCHEMA)
    [row] = privacy.batch(guard, whole)[0].to_pylist()
    return [shown, f"prompt, what the model must say in {''.join(MARKS)}\n{_prompt(tokenizer, values, row)}"]


def _model(system: System, values: Mapping[str, Any]) -> Path:
    """The folder with the tokenizer: models/base, or before that stage has run the folder that `model` names."""
    pinned = system.path("models", "base")
    named = REFERENCE if values["model"] == "reference" else Path(values["model"])
    return named if not pinned.is_dir() and named.is_dir() else pinned


def _prompt(tokenizer: Any, values: Mapping[str, Any], row: dict[str, Any]) -> str:
    """The text of the example's tokens; context that needs other records is unknown here."""
    options = values["convert"]
    start = row["start_utc"]
    moment = np.array([start.replace(tzinfo=None) if start else "NaT"], "datetime64[us]")
    row |= {name: column[0].as_py() for name, column in calendar.features(moment, values["temporal"]).items()}
    row = {**dict.fromkeys(options["context"]), **row}
    renderer = Renderer(tokenizer, options["context"], options["instruction"], values["max_seq_length"])
    [example] = renderer.examples([row])
    ids, start = example.ids, example.completion_start
    prompt, answer = (tokenizer.decode(part, skip_special_tokens=False) for part in (ids[:start], ids[start:]))
    return f"{prompt}{MARKS[0]}{answer}{MARKS[1]}\n({start:,} tokens, then {len(ids) - start:,} supervised)"
