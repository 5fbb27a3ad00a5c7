"""Propose a system from the columns of its records: ids, times, turns, labels, splits, and which columns are left out and why."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from plateau.core.errors import BadInputError
from plateau.proposal import columns, target, turns
from plateau.proposal.columns import Column
from plateau.proposal.sample import Source
from plateau.proposal.target import Label
from plateau.proposal.turns import Turns
from plateau.splits.fixed import NAMES

_ID = re.compile(r"^(.*[_\W])?(id|uuid|guid|key|number|no|nr|ref|ticket|case|index)\d*$|id\d*$", re.IGNORECASE)
_START = re.compile(r"start|creat|open|begin|begun|received|date|time|at$|day|when|year", re.IGNORECASE)
_END = re.compile(r"end|clos|updat|solv|modif|due|first_resp", re.IGNORECASE)
_CUSTOMER = re.compile(
    r"(customer|client|user|caller|requester|contact|member|account|patient)(?!.*(name|mail|says|feel))", re.IGNORECASE
)
_AGENT = re.compile(r"(agent|assignee|operator|owner|rep|advisor|worker)(?!.*(name|mail|says|feel))", re.IGNORECASE)
_SPLIT = re.compile(r"^(split|set|fold|partition|subset|part|usage)$|_split$", re.IGNORECASE)
_ABOUT = re.compile(
    r"licen[cs]e|source|url|link|href|author|version|batch|language|^lang$|locale|file|path|batch|user_task|instruction",
    re.IGNORECASE,
)
_TITLE = re.compile(r"^(.*[_\W])?(subject|betreff|title|headline|summary)$", re.IGNORECASE)
_HALF = 0.5
Ask = Callable[[str, str, list[str], list[str]], list[str]]


@dataclass(frozen=True)
class Wishes:
    """The columns that a person chose by flags, as paths; None where the data decides."""

    id: str | None = None
    start: str | None = None
    text: list[str] | None = None
    target: list[str] | None = None
    split: str | None = None
    group: str | None = None
    ignore: tuple[str, ...] = ()


@dataclass
class Proposal:
    """A proposed system: the mapping, the labels of the target, and what a person should check, by place in params.yaml."""

    transcripts: dict[str, Any]
    turns: Turns
    labels: list[Label]
    source: Source
    analyses: dict[str, Any] = field(default_factory=dict)
    checks: dict[str, str] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    rows_per_customer: float = 1.0

    @property
    def mapping(self) -> dict[str, Any]:
        """prepare.mapping."""
        fields = {one.name: one.field for one in self.labels}
        return {
            "transcripts": {**self.transcripts, "turns": self.turns.declared},
            "analyses": {**self.analyses, "target": fields},
        }


def propose(found: Sequence[Source], wishes: Wishes, ask: Ask) -> Proposal:
    """Propose a system from the sources of an export; `ask` puts doubtful choices to a person and returns the chosen options.

    Raises BadInputError where the export has no records, no turns or no labels.
    """
    main, *others = sorted(found, key=_wordiness, reverse=True)
    known = [one for one in columns.of(main.records) if one.known and one.path not in wishes.ignore]
    _check_wishes(wishes, known, [one for source in others for one in columns.of(source.records)], main)
    asked = [one for one in known if one.path in (wishes.target or [])]
    identity = _identity([one for one in known if one not in asked], wishes.id)
    said = _turns(known, identity, wishes, ask)
    made = Proposal({"source": main.name}, said, [], main)
    if main.encoding != "utf-8":
        made.transcripts["encoding"] = main.encoding
        made.checks["transcripts.encoding"] = (
            "the texts are not UTF-8; look in the preview whether their accents are right"
        )
    _name(made, identity)
    rest = [one for one in known if one is not identity and one.path not in said.paths and one not in asked]
    rest = _people(made, _split(made, _start(made, rest, wishes), wishes), wishes)
    if not isinstance(said.declared, list) and said.declared.get("rows"):
        rest = [one for one in rest if not _varies(one, identity)]
    rest = [one for one in asked if one.path not in said.paths] if asked else rest
    chosen = _answers(made, rest, wishes, ask) or _elsewhere(made, others, known, wishes)
    made.labels.extend(chosen)
    _check_answers(made, wishes)
    if not made.labels:
        raise BadInputError(
            f"{next(iter(main.files.values()))}: no column that a model could answer was found; name one with --target "
            f"({', '.join(one.path for one in known[:20])})"
        )
    _note_markup(made, known)
    return made


def _wordiness(source: Source) -> float:
    """Mean number of characters in a record of a source."""
    texts = [len(str(value)) for record in source.records[:500] for value in record.values()]
    return sum(texts) / max(len(source.records[:500]), 1)


def _check_wishes(wishes: Wishes, known: Sequence[Column], elsewhere: Sequence[Column], main: Source) -> None:
    """Raise BadInputError if a flag names a column that does not exist."""
    paths = [one.path for one in known]
    for option, asked in (
        ("id", [wishes.id]),
        ("start", [wishes.start]),
        ("text", wishes.text or []),
        ("target", wishes.target or []),
        ("split", [wishes.split]),
        ("group", [wishes.group]),
    ):
        for path in asked:
            if path and path not in paths and path not in [one.path for one in elsewhere] and path != "none":
                where = next(iter(main.files.values()))
                raise BadInputError(f"--{option}: {where} has no '{path}'; it has {', '.join(paths[:30])}")


def _identity(known: Sequence[Column], wish: str | None) -> Column | None:
    """The id column: the requested one, else the first unique column with an id-like name, else an id-like column whose values repeat."""
    if wish:
        return next((one for one in known if one.path == wish), None)
    named = [
        one
        for one in known
        if one.share == 1 and _ID.search(one.name) and one.kinds <= {"integer", "text"} and one.words <= 1.5
    ]
    unique = [one for one in named if one.is_unique]
    exact = [one for one in unique if one.name.lower() == "id"]
    if exact or unique:
        return (exact or unique)[0]
    shared = [one for one in named if not _CUSTOMER.search(one.name) and not _AGENT.search(one.name)]
    grouped = [one for one in shared if 1.2 * len(one.counts) < len(one.values)]
    return grouped[0] if grouped else None


def _name(made: Proposal, identity: Column | None) -> None:
    """The path of the id; $row (file and row) where no column is an id."""
    rows = not isinstance(made.turns.declared, list) and made.turns.declared.get("rows")
    if identity is not None and (identity.is_unique or rows):
        made.transcripts["id"] = identity.path
    elif set(made.source.records[0]) == {"id", "text"} and all(
        path.suffix == ".txt" for path in made.source.files.values()
    ):
        made.transcripts["id"] = "$file"
    else:
        made.transcripts["id"] = "$row"
        made.checks["transcripts.id"] = (
            "no column names every record differently, so the file and row do; do not sort the file anew"
        )


def _turns(known: Sequence[Column], identity: Column | None, wishes: Wishes, ask: Ask) -> Turns:
    """Find the turns; a person may choose between several text columns."""
    if wishes.text is None:
        for one in known:
            if made := turns.of_list(one):
                return made
        if identity is not None and (made := turns.of_rows(known, identity)):
            return made
    else:
        chosen = [one for path in wishes.text for one in known if one.path == path]
        for one in chosen:
            if made := turns.of_list(one) or (turns.of_text(one) if len(chosen) == 1 else None):
                return made
        return turns.of_columns(chosen)
    texts = [
        one
        for one in known
        if one.is_prose and one is not identity and one.path not in (wishes.target or []) and one.time is None
    ]
    texts = [one for one in texts if not _ABOUT.search(one.name)]
    for one in sorted(texts, key=lambda one: one.words, reverse=True)[:1]:
        if made := turns.of_text(one):
            return made
    if not texts:
        raise BadInputError(
            "no column with texts of people was found; name it with --text "
            f"({', '.join(one.path for one in known[:20])})"
        )
    texts = _without_copies(texts)
    if len(texts) > 1:
        paths = [one.path for one in texts]
        chosen_paths = ask("transcripts.turns", "which texts are the conversation, in this order", paths, paths)
        texts = [one for path in chosen_paths for one in texts if one.path == path]
    return turns.of_columns(texts)


def _without_copies(texts: list[Column]) -> list[Column]:
    """The columns whose texts are not contained in another column. A subject line that its message repeats is dropped."""

    def inside(one: Column, other: Column) -> bool:
        pairs = [(a, b) for a, b in zip(one.values[:200], other.values[:200], strict=True) if a and b]
        return (
            one is not other
            and bool(pairs)
            and sum(a in b for a, b in pairs) > 0.9 * len(pairs)
            and one.words < other.words
        )

    return [one for one in texts if not any(inside(one, other) for other in texts)]


def _start(made: Proposal, rest: list[Column], wishes: Wishes) -> list[Column]:
    """Set the record's start time: from the requested column, the first turn, or a column with a time-like name. Returns the columns that hold no times."""
    times = [
        one for one in rest if one.time and (_START.search(one.name) or _END.search(one.name) or one.kinds == {"text"})
    ]
    named = [one for one in rest if one.path == wishes.start]
    ranked = named or sorted(
        (one for one in times if one.share == 1 and len(one.counts) > 1), key=lambda one: bool(_END.search(one.name))
    )
    chosen = None if wishes.start == "none" else next(iter(ranked), None)
    if wishes.start is None and made.turns.time and (chosen is None or _END.search(chosen.name)):
        made.transcripts["start"] = made.turns.time
        if "time_zone" in made.turns.time:
            made.checks["transcripts.start"] = "the times name no offset; set time_zone to where they were written"
    elif chosen is not None:
        form = chosen.time
        if form is None:
            raise BadInputError(
                f"--start: '{chosen.path}' holds no times that are understood, such as {str(chosen.known[0])[:40]!r}"
            )
        zone = {} if form.has_offset else {"time_zone": "UTC"}
        made.transcripts["start"] = {"path": chosen.path, "format": form.format, **zone}
        notes = [] if form.has_offset else ["the times name no offset; set time_zone to where they were written"]
        notes += [f"it could also be {' or '.join(form.others)}"] if form.others else []
        if notes:
            made.checks["transcripts.start"] = "; ".join(notes)
    for one in times:
        made.left_out[one.path] = "a time" + (", the start" if one is chosen else "")
    return [one for one in rest if one not in times and one is not chosen]


def _split(made: Proposal, rest: list[Column], wishes: Wishes) -> list[Column]:
    """Set the predefined split: a column whose values are names of splits, or files named after splits. Returns the other columns."""
    if made.source.by_split:
        made.transcripts["split"] = "$file"
        return rest
    for one in rest:
        names = {str(value).strip().lower() for value in one.counts}
        if one.path == wishes.split or (
            _SPLIT.search(one.name) and names <= set(NAMES) and len(names) > 1 and wishes.split is None
        ):
            if one.path == wishes.split or one.share > 0.95:
                made.transcripts["split"] = one.path
            made.left_out[one.path] = (
                "a predefined split"
                if one.share > 0.95
                else f"a predefined split of {one.share:.0%} of the records alone"
            )
    return [one for one in rest if one.path not in made.left_out]


def _people(made: Proposal, rest: list[Column], wishes: Wishes) -> list[Column]:
    """Set the columns of the customer and the agent, found by column name and repeated values. Returns the other columns."""
    for key, pattern in (("customer_id", _CUSTOMER), ("agent_id", _AGENT)):
        fitting = [
            one for one in rest if pattern.search(one.name) and one.kinds <= {"text", "integer"} and one.words <= 1.5
        ]
        people = [one for one in fitting if len(one.counts) > 10 or _ID.search(one.name)]
        if key == "customer_id" and wishes.group is not None:
            people = [one for one in rest if one.path == wishes.group]
        if people and (one := people[0]):
            made.transcripts[key] = one.path
            made.left_out[one.path] = f"{key}"
            if key == "customer_id":
                made.rows_per_customer = len(one.known) / max(len(one.counts), 1)
            rest = [other for other in rest if other is not one]
    return rest


def _varies(column: Column, identity: Column | None) -> bool:
    """Whether the rows of one conversation have different values in a column."""
    if identity is None:
        return False
    first: dict[Any, Any] = {}
    return any(
        first.setdefault(name, str(value)) != str(value)
        for name, value in zip(identity.values, column.values, strict=True)
    )


def _answers(made: Proposal, rest: Sequence[Column], wishes: Wishes, ask: Ask) -> list[Label]:
    """Choose the labels among the remaining columns."""
    if wishes.target is not None:
        chosen = [one for path in wishes.target for one in rest if one.path == path]
        return _labels(chosen, forced=True)
    labels: list[Column] = []
    for one in rest:
        if why := _no_label(one):
            made.left_out[one.path] = why
        else:
            labels.append(one)
    paths = [one.path for one in labels]
    if len(paths) > 1:
        kept = ask("analyses.target", "which columns shall the model answer", paths, paths)
        made.left_out |= {path: "not to be answered" for path in paths if path not in kept}
        labels = [one for one in labels if one.path in kept]
    return _labels(labels) or _written(made, wishes)


def _written(made: Proposal, wishes: Wishes) -> list[Label]:
    """If there are no labels: make the last text column the target, provided that its name suggests an answer."""
    if wishes.text is not None or not isinstance(made.turns.declared, list):
        return []
    *asked, last = made.turns.declared
    if not turns.ANSWER.search(last["text"]):
        return []
    found = [one for one in columns.of(made.source.records) if one.path == last["text"]]
    kept = [one for turn in asked for one in columns.of(made.source.records) if one.path == turn["text"]]
    made.turns = turns.of_columns(kept)
    return [target.text(one, target.property_name(one.path, {})) for one in found]


def _no_label(column: Column) -> str | None:
    """The reason why a column is no label; None if it is one."""
    if _ABOUT.search(column.name):
        return "about the record, not of what was said"
    if _TITLE.search(column.name) and column.words >= 2:
        return "a title, by its name; name it with --text to have it read, with --target to have it answered"
    if column.share < _HALF:
        return f"only {column.share:.0%} of the records have it"
    if columns.is_python_list(column):
        return "a list as Python writes it; write it as JSON to have it answered"
    if target.label(column, "x") is None:
        return (
            "one value alone"
            if len(column.counts) == 1
            else "text"
            if column.is_prose
            else "too many values, or none that comes again"
        )
    label = target.label(column, "x")
    if label and label.schema.get("items", {}).get("type") == "string":
        return "a list of texts that seldom come again; name it with --target to have it answered"
    if column.kinds <= {"integer", "text"} and _ID.search(column.name) and len(column.counts) > 50:
        return "a number that names something"
    return None


def _labels(found: Sequence[Column], forced: bool = False) -> list[Label]:
    """Turn columns into properties of the target. With `forced`, a column that is no label becomes a text to write."""
    made: dict[str, Label] = {}
    for one in found:
        name = target.property_name(one.path, made)
        if label := target.label(one, name) or (target.text(one, name) if forced else None):
            made[name] = label
    return list(made.values())


def _elsewhere(made: Proposal, others: Sequence[Source], known: Sequence[Column], wishes: Wishes) -> list[Label]:
    """Find labels in another source that shares record ids with this one."""
    names = next((set(map(str, one.known)) for one in known if one.path == made.transcripts["id"]), set[str]())
    for source in others:
        found = [one for one in columns.of(source.records) if one.known]
        for one in found:
            shared = len(names & set(map(str, one.known))) / max(len(names), 1)
            if shared >= _HALF:
                rest = [
                    other for other in found if other is not one and (other.path in (wishes.target or [other.path]))
                ]
                labels = _labels(
                    [other for other in rest if wishes.target or not _no_label(other)], wishes.target is not None
                )
                if labels:
                    made.analyses |= {"source": source.name, "id": one.path}
                    made.analyses |= {"encoding": source.encoding} if source.encoding != "utf-8" else {}
                    return labels
    return []


def _check_answers(made: Proposal, wishes: Wishes) -> None:
    """Refuse an answer that was asked for and is none; nothing is left out without a word."""
    paths = [one.field["path"] if isinstance(one.field, dict) else one.field for one in made.labels]
    if made.labels and (missed := [path for path in wishes.target or [] if path not in paths]):
        why = (
            "part of the conversation; say with --text what else is"
            if missed[0] in made.turns.paths
            else "empty, or not in the file of the other answers"
        )
        raise BadInputError(f"--target: '{missed[0]}' cannot be answered: it is {why}")


def _note_markup(made: Proposal, known: Sequence[Column]) -> None:
    """Add a check for each text column with HTML or quoted e-mail."""
    notes = []
    for one in (one for one in known if one.path in made.turns.paths):
        kinds = (("html", "HTML"), ("mail", "quoted or forwarded e-mail"))
        if found := [words for what, words in kinds if one.looks_like(what)]:
            notes.append(f"'{one.path}' holds {' and '.join(found)}, which the model would read as it is")
    if notes:
        made.checks["transcripts.turns"] = "; ".join(notes)
