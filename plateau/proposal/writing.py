"""Write the files of a proposed system: params.yaml with `CHECK:` comments, schemas, system.yaml, README."""

import json
import textwrap
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from plateau.core.files import write_json, write_text
from plateau.proposal import target, trial
from plateau.proposal.proposal import Proposal
from plateau.proposal.trial import Trial, rounded_up

Json = dict[str, Any]
_LETTERS = 2.5  # characters per token, roughly
_USUAL_LOSS = 0.04
_DAYS = 10  # a split by time needs records that begin on at least so many different days


def write(
    folder: Path, name: str, made: Proposal, tried: Trial, doubts: Mapping[str, str], dumped: Callable[[Json], str]
) -> None:
    """Write the system's own files; `make sync` writes the generated ones. `dumped` renders a value as YAML."""
    write_text(folder / "params.yaml", params(name, made, tried, doubts, dumped))
    write_json(folder / "schemas" / "target.schema.json", target.schema(made.labels))
    if schema := trial.transcript_schema(made):
        write_json(folder / "schemas" / "transcript.schema.json", schema)
    artifact = {
        f"{name}-adapter": {
            "path": "adapters/best",
            "type": "model",
            "desc": f"Adapter of {name}.",
            "labels": ["lora", "mlx"],
        }
    }
    about = f"{name}: raw records to a chosen, evaluated, gated adapter. `dvc repro systems/{name}/dvc.yaml` runs it."
    write_text(folder / "system.yaml", dumped({"about": about, "artifacts": artifact}))
    write_text(folder / "README.md", readme(name, made, tried, doubts))


def checks(made: Proposal, doubts: Mapping[str, str]) -> list[str]:
    """What a person should check, one line per item."""
    of_labels = [f"analyses.target.{one.name}: {one.check}" for one in made.labels if one.check]
    return [*(f"{place}: {words}" for place, words in (*doubts.items(), *made.checks.items())), *of_labels]


def params(name: str, made: Proposal, tried: Trial, doubts: Mapping[str, str], dumped: Callable[[Json], str]) -> str:
    """The params that the data decides; `make sync` adds all others with their defaults."""
    notes = {**doubts, **made.checks, **{f"analyses.target.{one.name}": one.check for one in made.labels if one.check}}
    longest = rounded_up((tried.prompt + tried.answer) / _LETTERS + 64, 64, 256, 2048)
    lines = [f"max_seq_length: {longest}", "prepare:"]
    if tried.lost > _USUAL_LOSS:
        reasons = ", ".join(f"{reason} {count:,}" for reason, count in tried.reasons.most_common(3))
        lines += [
            f"  # Here: CHECK: {tried.lost:.1%} of the sample is rejected ({reasons}).",
            f"  max_rejected: {min(round(tried.lost + 0.02, 2), 1.0)}",
        ]
    lines += ["  mapping:", *_noted(made.mapping, notes, dumped, "", 2)]
    lines += ["split:", *_split(made, tried)]
    lines += [
        "evaluate:",
        f"  max_tokens: {rounded_up(tried.answer / 1.5 + 16, 32, 64, 2048)}",
        "report:",
        f"  title: {json.dumps(name)}",
    ]
    return "\n".join(lines) + "\n"


def _noted(
    values: Mapping[str, Any], notes: Mapping[str, str], dumped: Callable[[Json], str], above: str, depth: int
) -> Iterator[str]:
    """Render a mapping as YAML, with each note as a comment above its key."""
    pad = "  " * depth
    for key, value in values.items():
        place = f"{above}{key}"
        if place in notes:
            yield from textwrap.wrap(
                f"CHECK: {notes[place]}", 110, initial_indent=f"{pad}# ", subsequent_indent=f"{pad}# "
            )
        if isinstance(value, Mapping) and value and place in ("transcripts", "analyses", "analyses.target"):
            yield f"{pad}{key}:"
            yield from _noted(value, notes, dumped, f"{place}.", depth + 1)
        else:
            yield textwrap.indent(dumped({key: value}).rstrip("\n"), pad)


def _split(made: Proposal, tried: Trial) -> Iterator[str]:
    """The params of the split: a predefined split, else by time, else by a hash of the group."""
    share = 0.2 if tried.conversations >= 650 else min(0.3, round(130 / tried.conversations, 2))
    customer = "customer_id" in made.transcripts and made.rows_per_customer > 1.05
    if "split" in made.transcripts:
        yield "  column: split"
        customer = False
    elif "start" in made.transcripts and made.rows_per_customer <= 2 and tried.days >= _DAYS:
        yield "  strategy: time"
    else:
        if customer:
            yield f"  # Here: CHECK: a customer has {made.rows_per_customer:.1f} records, and one who is tested on does not train."
        yield "  strategy: hash"
    yield f"  valid_size: {max(0.1, round(share / 2, 2))}"
    yield f"  test_size: {share}"
    yield f"  group_by: {'customer_id' if customer else ''}".rstrip()


def readme(name: str, made: Proposal, tried: Trial, doubts: Mapping[str, str]) -> str:
    """The system's README: what was found, what a person should check, and the next steps."""
    files = ", ".join(f"`{path}`" for path in list(made.source.files)[:5])
    answers = [
        f"| `{one.name}` | `{json.dumps(one.field, ensure_ascii=False)}` | {_shown(one.schema)} |"
        for one in made.labels
    ]
    left = [f"- `{path}`: {why}" for path, why in made.left_out.items()]
    found = [f"- {line}" for line in checks(made, doubts)]
    return "\n".join(
        [
            f"# {name}",
            "",
            f"`python -m stages.new` proposed this system from {files}: {tried.conversations:,} conversations were looked at, "
            f"{tried.lost:.1%} of which would be rejected. Everything here is yours to change: `params.yaml`, `schemas/`, this page.",
            "",
            "## What the model answers",
            "",
            "| property | from | values |",
            "|---|---|---|",
            *answers,
            *(["", "## Check", "", *found] if found else []),
            *(["", "## Left out", "", *left] if left else []),
            "",
            "## Run it",
            "",
            "```bash",
            f"python -m stages.prepare systems/{name} --preview 3",
            f"dvc repro systems/{name}/dvc.yaml",
            f"python -m stages.gate systems/{name}",
            "```",
            "",
        ]
    )


def _shown(schema: Json) -> str:
    """Describe a schema in a few words."""
    listed = schema.get("enum")
    if listed:
        return f"{len(listed)} values: {', '.join(map(str, listed[:6]))}{' ...' if len(listed) > 6 else ''}".replace(
            "|", "\\|"
        )
    bounds = f" from {schema['minimum']:g} to {schema['maximum']:g}" if "minimum" in schema else ""
    return f"{schema['type']}{bounds}{' of ' + _shown(schema['items']) if 'items' in schema else ''}"
