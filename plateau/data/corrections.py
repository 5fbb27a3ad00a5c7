"""Labels that people corrected: files in data/labels/ lie over the analyses, whose files stay as they are.

A line is `{id, field: value, ...}`, or a line of data/review.csv with the right label in `label` or in a column `correction`. `who`,
`when` and `approved` may stand beside. Of several values for one field the last counts: by `when` where both say it, else by file
name and line.
"""

import csv
import io
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from plateau.core.files import write_jsonl
from plateau.data import mapping, records
from plateau.data.fields import NONE
from plateau.data.nodes import Node
from plateau.data.records import Reject, Rules
from plateau.data.sources import Problem, RefusedError
from plateau.data.strict_json import SHOWN_CHARACTERS, parse
from plateau.metrics.prepare import Corrected

FOLDER = ("data", "labels")
ENDINGS = (".csv", ".tsv", ".jsonl", ".ndjson")
ABOUT = ("id", "who", "when", "approved")
_REVIEW = ("reason", "id", "field", "label")  # columns by which a copy of data/review.csv is known
_REFUSED = ("false", "no", "n", "0", "f")
_FORMULA = ("'=", "'+", "'-", "'@", "'\t", "'\r")  # as review.csv writes what a spreadsheet would run


@dataclass(frozen=True)
class Correction:
    """One value for one field of one record. In a copy of review.csv one that is the record's own is no correction."""

    id: str
    field: str
    value: Any
    who: str | None
    when: str | None
    file: str
    line: int
    from_review: bool = False

    def reject(self, problem: Problem) -> Reject:
        """The line of data/rejected.jsonl for it."""
        text = json.dumps({"id": self.id, self.field: self.value}, ensure_ascii=False)
        return Reject(self.file, self.line, self.id, *problem, text[:SHOWN_CHARACTERS])


@dataclass
class Corrections:
    """All of a system: by id and field in the order in which they count, what was refused, what was made of them, and counts."""

    rules: Rules
    by_id: dict[str, dict[str, list[Correction]]] = field(default_factory=dict)
    rejects: list[Reject] = field(default_factory=list)
    made: list[dict[str, Any]] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    _met: set[str] = field(default_factory=set)

    def applied(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """The batches of prepared rows with the corrected targets; at their end, ids that no row has are rejects."""
        for batch in batches:
            yield self._corrected(batch) if self.by_id else batch
        for name in sorted(self.by_id.keys() - self._met):
            problem = Problem("unknown_id", f"no accepted conversation has the id '{name}', so nothing was corrected")
            self.rejects += [ones[-1].reject(problem) for ones in self.by_id[name].values()]

    @property
    def summary(self) -> Corrected:
        """The counts of metrics/prepare.json."""
        counts = {name: self.counts[name] for name in ("lines", "applied", "unchanged", "not_approved")}
        return Corrected(**counts, refused=len(self.rejects))

    def write(self, path: Path, refuse: Callable[[Reject], None]) -> None:
        """A line for each label that was changed, with both values; what was refused goes to `refuse`."""
        write_jsonl(path, sorted(self.made, key=lambda one: (one["id"], one["field"])))
        for reject in self.rejects:
            refuse(reject)

    def _corrected(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        names = batch["id"].to_pylist()
        places = [place for place, name in enumerate(names) if name in self.by_id]
        if not places:
            return batch
        targets = batch["target"].to_pylist()
        for place in places:
            self._met.add(names[place])
            targets[place] = self._merged(names[place], targets[place])
        at = batch.schema.get_field_index("target")
        return batch.set_column(at, batch.schema.field(at), pa.array(targets, pa.string()))

    def _merged(self, name: str, text: str) -> str:
        """A target with its corrections; those under which it would not hold are rejects."""
        checks, contract, _ = records.compiled(self.rules)
        target = json.loads(text)
        for key, ones in self.by_id[name].items():
            keys = mapping.keys_of(key, contract.root)
            before = _value(target, keys)
            tried = [(one, _with(target, one, contract.root)) for one in ones]
            one, changed = next(
                (pair for pair in reversed(tried) if not (pair[0].from_review and _value(pair[1], keys) == before)),
                tried[-1],
            )
            if problem := checks["analyses"]({"id": name, "target": changed}):
                self.rejects.append(one.reject(Problem(problem.reason, f"{key}: {problem.detail}")))
                continue
            after = _value(changed, keys)
            self.counts["unchanged" if before == after else "applied"] += 1
            if before != after:
                about = {"who": one.who, "when": one.when, "file": one.file, "line": one.line}
                self.made.append({"id": name, "field": key, "was": before, "is": after, **about})
                target = changed
        return contract.text(target)


def read(folder: Path, relative_to: Path, rules: Rules) -> Corrections:
    """The corrections in a folder, none where there is no folder; a file or a line that cannot be read is a reject."""
    found = Corrections(rules)
    paths = (
        sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))
        if folder.is_dir()
        else []
    )
    for path in paths:
        if path.suffix.lower() not in ENDINGS:
            if path.suffix.lower() != ".md":
                found.rejects.append(_refused(path, relative_to, None, "unknown_format", f"not {', '.join(ENDINGS)}"))
            continue
        for line, value in _lines(path):
            _take(found, value, path.relative_to(relative_to).as_posix(), line)
    return found


def _refused(path: Path, relative_to: Path, line: int | None, reason: str, detail: str) -> Reject:
    return Reject(path.relative_to(relative_to).as_posix(), line, None, reason, detail, "")


def _lines(path: Path) -> Iterator[tuple[int, Any]]:
    """Line numbers and what they hold: a mapping, or a Problem."""
    data = path.read_bytes()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:  # as Excel saves on Windows
        text = data.decode("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "cp1252", "replace")
    if path.suffix.lower() in (".csv", ".tsv"):
        yield from _table(text)
        return
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                yield number, parse(line.encode("utf-8"))
            except RefusedError as refused:
                yield number, refused.problem


def _table(text: str) -> Iterator[tuple[int, Any]]:
    """The rows of a table; a column without a name, such as the index that pandas writes, is passed over."""
    header = text.split("\n", 1)[0]
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=max(",;\t|", key=header.count))
    names = [name.strip() for name in next(rows, [])]
    review = set(_REVIEW) <= set(names)
    for cells in rows:
        if len(cells) > len(names):
            yield rows.line_num, Problem("invalid_csv", f"{len(cells)} values in a table of {len(names)} columns")
        elif any(cells):
            found = {name: _plain(cell) for name, cell in zip(names, cells, strict=False)}
            yield rows.line_num, {name: cell for name, cell in found.items() if _says(name, cell, review)}


def _says(name: str, cell: str | None, review: bool) -> bool:
    """Whether a cell is to be read: not of an index that pandas writes, and not an empty one."""
    return bool(name) and not name.startswith("Unnamed:") and (cell is not None or (review and name in _REVIEW))


def _plain(cell: str) -> str | None:
    """A cell without the mark that review.csv puts before a formula; nothing for an empty one."""
    return (cell[1:] if cell.startswith(_FORMULA) else cell) or None


def _take(found: Corrections, value: Any, file: str, line: int) -> None:
    """Add what one line says."""
    found.counts["lines"] += 1
    shown = "" if isinstance(value, Problem) else json.dumps(value, ensure_ascii=False)[:SHOWN_CHARACTERS]
    if not isinstance(value, Problem) and not (isinstance(value, dict) and value.get("id") not in (None, "")):
        value = Problem("missing_key", "id: a correction names the record that it corrects")
    if isinstance(value, Problem):
        found.rejects.append(Reject(file, line, None, *value, shown))
        return
    name = str(value["id"])
    if str(value.get("approved", "")).strip().lower() in _REFUSED:
        found.counts["not_approved"] += 1
        return
    who, when = (None if value.get(key) is None else str(value[key]) for key in ("who", "when"))
    review = all(key in value for key in _REVIEW)
    schema = records.compiled(found.rules)[1].root
    for key, new in (_of_review(value) if review else _of_fields(value)).items():
        one = Correction(name, key, new, who, when, file, line, review)
        if not _is_known(key, schema):
            known = ", ".join(schema.properties)
            found.rejects.append(one.reject(Problem("unknown_key", f"the target has no field '{key}'; it has {known}")))
            continue
        held = found.by_id.setdefault(name, {}).setdefault(key, [])
        later = next(
            (n for n, other in enumerate(held) if other.when and one.when and other.when > one.when), len(held)
        )
        held.insert(later, one)


def _of_review(value: Mapping[str, Any]) -> dict[str, Any]:
    """The field and the label of a line of review.csv."""
    label = value.get("correction") or value["label"]
    return {} if value["field"] is None or label is None else {str(value["field"]): None if label == NONE else label}


def _of_fields(value: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a line; null in JSON takes the value away."""
    return {key: new for key, new in value.items() if key not in ABOUT}


def _is_known(name: str, schema: Node) -> bool:
    """Whether the target may have such a field."""
    node = schema
    for key in mapping.keys_of(name, schema):
        if node.properties and key not in node.properties:
            return False
        node = node.under(key)
    return True


def _value(target: Any, keys: tuple[str, ...]) -> Any:
    for key in keys:
        target = target.get(key) if isinstance(target, dict) else None
    return target


def _with(target: dict[str, Any], one: Correction, schema: Node) -> dict[str, Any]:
    """A copy of a target in which one field has another value, or none."""
    changed: dict[str, Any] = json.loads(json.dumps(target))
    keys = mapping.keys_of(one.field, schema)
    place, rule = changed, schema
    for key in keys[:-1]:
        place, rule = place.setdefault(key, {}), rule.under(key)
    value = mapping.coerced(one.value, rule.under(keys[-1]))
    if value is mapping.MISSING:
        place.pop(keys[-1], None)
    else:
        place[keys[-1]] = value
    return changed
