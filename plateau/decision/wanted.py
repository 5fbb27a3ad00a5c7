"""What gates.criteria and gates.waived ask for is refused before any work, and above all before training, where no gate can answer it."""

import difflib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from plateau.core import params
from plateau.core.errors import BadInputError
from plateau.core.system import System
from plateau.data import fields
from plateau.data.fields import Field
from plateau.decision.criteria import Criterion
from plateau.decision.gates import EVIDENCE, GAIN_OVER, NAMES
from plateau.decision.paths import Names, Place, UnknownFigureError
from plateau.evaluation import external
from plateau.evaluation.arms import BASELINES, PAIRS
from plateau.evaluation.kinds.base import Rows
from plateau.evaluation.scoring import Rules

KEYS = ("gates.criteria", "gates.waived", "evaluate.arms", "evaluate.scores")
_STATISTICS, _CLASSES = "statistics", "by_class"
_OF_VALUES = ("value_precision", "value_recall", "value_f1")  # of every field that may have no value


def check(system: System) -> None:
    """Raise BadInputError with one line a mistake: a figure that does not exist, a name that is taken, a waiver of no gate.

    The params are no dependency of the stages that ask this: another criterion reruns none of them.
    """
    if not system.path("params.yaml").is_file():  # a stage that is called with values of its own
        return
    asked = params.load(system, KEYS)
    criteria, waived = asked["gates"]["criteria"], asked["gates"]["waived"]
    if not criteria and not waived:
        return
    target = fields.fields(fields.load_schema(system.schema("target")))
    arms = [*asked["evaluate"]["arms"], *external.files(system)]
    problems = [
        *_criteria(criteria, target, arms, Rules({}, asked["evaluate"]["scores"])),
        *_waivers(waived, [*(entry["name"] for entry in criteria), *(GAIN_OVER + arm for arm in arms)]),
    ]
    if problems:
        raise BadInputError("\n".join(f"{system.path('params.yaml')}: {line}" for line in problems))


def _criteria(
    entries: Sequence[Mapping[str, Any]], target: Sequence[Field], arms: Sequence[str], rules: Rules
) -> Iterator[str]:
    """One line for people a mistake in gates.criteria."""
    counts = Counter(entry["name"] for entry in entries)
    known = names(target, arms)
    for number, entry in enumerate(entries):
        key, one = f"gates.criteria.{number}", Criterion.of(entry)
        if one.name in NAMES:
            yield f"{key}.name: '{one.name}' is a gate of Plateau's own; take another name"
        elif counts[one.name] > 1:
            yield f"{key}.name: '{one.name}' stands twice; each criterion needs a name of its own"
        try:
            _check_statistic(one.place(known), target, rules)
        except UnknownFigureError as error:
            yield f"{key}: '{one.figure}' of metrics/{one.file}.json cannot be judged: {error}"


def names(target: Sequence[Field], arms: Sequence[str]) -> Names:
    """The keys of mappings in metrics/evaluate.json of a run with these fields and arms, those of files of answers among them."""
    run = [*arms, *BASELINES]
    pairs = [*PAIRS, *(("adapter", arm) for arm in arms if external.is_external(arm))]
    classes = [field.name for field in target if field.classes]
    return {
        "arms": run,
        "comparisons": [f"{one}_vs_{other}" for one, other in pairs if one in run and other in run],
        "gain_on_novel_rows": BASELINES,
        **{key: [field.name for field in target] for key in ("fields", "scales")},
        **dict.fromkeys(("label_noise", "shortcuts"), classes),
    }


def _check_statistic(place: Place, target: Sequence[Field], rules: Rules) -> None:
    """Raise UnknownFigureError for a statistic that the field, scored as it is, never has."""
    if _CLASSES in place.steps:
        _check_class(place, target)
    if _STATISTICS not in place.steps:
        return
    at = place.steps.index(_STATISTICS)
    name, statistic = place.steps[at - 1], place.steps[at + 1]
    kind = rules.kind(next(field for field in target if field.name == name))
    known = kind.figures(Rows([], [], np.zeros(0)))
    if statistic not in known and statistic not in _OF_VALUES:
        having = f"{name} is scored as {kind.name}, which has {', '.join(('score', *known))}"
        raise UnknownFigureError(f"{having}, and no {statistic}")


def _check_class(place: Place, target: Sequence[Field]) -> None:
    """Raise UnknownFigureError for a class that the field, by its schema, never has."""
    at = place.steps.index(_CLASSES)
    name, one = str(place.steps[at - 1]), place.steps[at + 1]
    known = next(field for field in target if field.name == name).classes
    if not known:
        raise UnknownFigureError(f"{name} has no classes")
    if one not in (*known, fields.NONE):
        raise UnknownFigureError(f"{name} has no class '{one}'; there are {', '.join((*known, fields.NONE))}")


def _waivers(waived: Mapping[str, str], own: Sequence[str]) -> Iterator[str]:
    """One line for people a mistake in gates.waived."""
    known = list(dict.fromkeys((*NAMES, *own)))
    for name, reason in waived.items():
        if name in EVIDENCE:
            yield f"gates.waived.{name}: too little evidence cannot be waived, for nobody knows what is waived then; take more rows"
        elif name not in known:
            close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
            hint = f"did you mean '{close[0]}'?" if close else f"the gates: {', '.join(known)}"
            yield f"gates.waived.{name}: no such gate; {hint}"
        elif not reason.strip():
            yield f"gates.waived.{name}: say why it is waived; the reason stands in report, model card and gate"
