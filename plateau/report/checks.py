"""The general checks of an evaluation as parts of the report: closeness to training, slices, label noise, shortcuts."""

from collections.abc import Iterator, Mapping, Sequence

from plateau.decision.gate_figures import FALSE_DISCOVERIES
from plateau.metrics.evaluate import Evaluate
from plateau.metrics.scrutiny import Closeness, LabelNoise, ShortcutFigures, SliceFigures
from plateau.report.page import Part, Prose, Table

_SHOWN = 12  # slices shown; the others are in metrics/evaluate.json


def parts(evaluate: Evaluate) -> Iterator[Part]:
    """A sentence and a table for each check that was made."""
    found = evaluate.scrutiny
    if found is None:
        return
    yield from _closeness(found.closeness)
    if found.slices:
        yield from _slices(found.slices)
    if found.label_noise:
        yield from _noise(found.label_noise)
    if found.shortcuts:
        yield from _shortcuts(found.shortcuts)


def _closeness(found: Closeness) -> Iterator[Part]:
    yield Prose(
        "Is the test a copy of the training? Each test row is compared with its nearest training row; case, accents, punctuation "
        "and digits are ignored."
    )
    rows = [[name, band.rows, band.score] for name, band in (found.bands or {}).items() if band.rows]
    rows.append(["the half least like training", found.novel_rows, found.score_on_novel_rows])
    yield Table("Score by similarity to training", ["similarity, 0 to 1", "rows", "score of the adapter"], rows)
    gains = [[name, gain.rows, gain.difference] for name, gain in (found.gain_on_novel_rows or {}).items()]
    if gains:
        yield Table("Gain on the half least like training", ["against", "rows", "gain in score"], gains)


def _slices(slices: Sequence[SliceFigures]) -> Iterator[Part]:
    sure = [one.q_value < FALSE_DISCOVERIES and (one.difference.high or 0.0) < 0 for one in slices]
    yield Prose(
        f"Is the adapter wrong for some rows more than for others? {len(slices)} groups were compared with all other rows; "
        f"{sum(sure)} of them score lower by more than chance (false discovery rate {FALSE_DISCOVERIES:g})."
    )
    rows = [[one.name, one.rows, one.score, one.rest, one.difference, one.q_value] for one in slices[:_SHOWN]]
    head = ["group", "rows", "score", "all others", "difference", "q"]
    yield Table("Groups of test rows, the worst first", head, rows, ["wrong" if one else "" for one in sure[:_SHOWN]])


def _noise(fields: Mapping[str, LabelNoise]) -> Iterator[Part]:
    yield Prose(
        "Are the labels right? Share of labels that a linear model, which did not see the row, contradicts where it is surest. "
        "An upper bound holds mistakes of the model too."
    )
    rows = [
        [name, split, one.rows, one.rate, one.upper_bound]
        for name, field in fields.items()
        for split, one in field.splits.items()
    ]
    yield Table("Wrong labels, estimated", ["field", "split", "rows", "share", "upper bound"], rows)


def _shortcuts(fields: Mapping[str, ShortcutFigures]) -> Iterator[Part]:
    yield Prose(
        "Does the answer follow from the conversation? Accuracy of linear models that see only a part of the prompt, on training rows "
        "that they were not fitted to."
    )
    rows = [
        [name, one.majority, one.context, one.conversation, one.whole, one.context_decides, one.word]
        for name, one in fields.items()
    ]
    head = [
        "field",
        "most frequent",
        "context alone",
        "conversation alone",
        "whole prompt",
        "context decides",
        "one word decides",
    ]
    yield Table(
        "What decides each field", head, rows, ["wrong" if one.context_decides else "" for one in fields.values()]
    )
