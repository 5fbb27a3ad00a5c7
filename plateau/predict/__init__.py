"""Answers for new records by the adapter that was evaluated: from Python by `load`, on files by `python -m stages.predict`.

Prediction uses the code of the evaluation: the same readers, mapping, redaction, context, prompt, chat template, batched generation
and schema. A record that equals a test record therefore gets the same output.
"""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from plateau.predict.predictor import Predictor


def load(system: str | Path, not_gated: str | None = None, constrained: bool = True) -> "Predictor":
    """Load the predictor of a system folder, such as "systems/mine", with its model in memory.

    `not_gated` is the reason for using an adapter that the gates do not let ship. With `constrained` false, outputs may break the
    target's schema. Raises PlateauError where base, adapter, template, schema, params or code changed since the evaluation,
    GateFailedError where the gates did not say ship, BadInputError for a folder that is no system.
    """
    from plateau.core import params
    from plateau.core.system import System
    from plateau.predict import admission
    from plateau.predict.predictor import PARAMS, Predictor

    found = System(Path(system))
    return Predictor(found, params.load(found, PARAMS), admission.check(found, not_gated), constrained)
