"""Rounding of the numbers that stages write, and checks that they are finite."""

import math
from typing import Any, TypeGuard

HIGHEST_EXPONENT = 700.0  # of e; a float holds no more than e**709


def perplexity(loss: float) -> float:
    """exp(loss) of a mean loss in nats a token, at most exp(700)."""
    return math.exp(min(loss, HIGHEST_EXPONENT))


def rounded(value: float, digits: int = 6) -> float:
    """Round to significant digits: the last digits of a float depend on the processor, and a file must be the same on every processor."""
    return float(f"{value:.{digits}g}") + 0.0  # no -0.0


def significant(value: float | None, digits: int = 6) -> float | None:
    """Round a figure for a file; None where it is not finite."""
    return None if value is None or not math.isfinite(value) else rounded(value, digits)


def is_finite(value: Any) -> TypeGuard[float]:
    """Whether a recorded figure is a real number: not missing, NaN, infinite or beyond what a float holds."""
    try:
        return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    except OverflowError:
        return False
