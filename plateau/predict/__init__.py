"""Answers for new records by the adapter that was evaluated: from Python by `load`, on files by `python -m stages.predict`.

What an answer is made by is what the evaluation was made by: the same reading and mapping, redaction, context, prompt, template,
batched generation and schema, so that equal records get equal texts.
"""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from plateau.predict.predictor import Predictor


def load(system: str | Path, not_gated: str | None = None, constrained: bool = True) -> "Predictor":
    """The predictor of a system folder, such as "systems/mine", with its model in memory.

    `not_gated` says why an adapter that the gates do not let ship is used all the same. `constrained` false lets the model write
    what the target's schema does not allow. Raises PlateauError where base, adapter, template, schema, params or code are not what
    was evaluated, GateFailedError where the gates did not say ship, BadInputError for a folder that is no system.
    """
    from plateau.core import params
    from plateau.core.system import System
    from plateau.predict import admission
    from plateau.predict.predictor import PARAMS, Predictor

    found = System(Path(system))
    return Predictor(found, params.load(found, PARAMS), admission.check(found, not_gated), constrained)
