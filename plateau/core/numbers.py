"""Which values are finite numbers."""

import math
from typing import Any, TypeGuard

HIGHEST_EXPONENT = 700.0  # of e; a float holds no more than e**709


def perplexity(loss: float) -> float:
    """exp(loss) of a mean loss in nats a token, at most exp(700)."""
    return math.exp(min(loss, HIGHEST_EXPONENT))


def is_finite(value: Any) -> TypeGuard[float]:
    """Whether a recorded figure is a real number: not missing, NaN, infinite or beyond what a float holds."""
    try:
        return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    except OverflowError:
        return False
