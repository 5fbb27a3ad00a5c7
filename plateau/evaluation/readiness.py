"""Check before training what evaluation will need: the token budget, the schema, the token that ends an answer, an adapter that clients can load.

The check changes no output: it warns, or refuses a run that could not be evaluated.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from plateau.core.errors import BadInputError
from plateau.core.files import read_json
from plateau.core.progress import say
from plateau.core.system import System
from plateau.evaluation.arms import RUN
from plateau.lm.model import quantised_bits


def check(system: System, max_tokens: int, arms: Sequence[str], date: str) -> None:
    """Print warnings about the evaluation to come, one line each; raises BadInputError where it could not work."""
    constrained = [arm.name for arm in RUN if arm.constrained and arm.name in arms]
    for line in (
        *_budget(system, max_tokens),
        *(_decoding(system, max_tokens, constrained, date) if constrained else ()),
    ):
        say(line)


def full_of_quantised(system: System, fine_tune_type: str) -> None:
    """Raise BadInputError for a full fine-tune of a quantised base, whose weights no client could load."""
    bits = quantised_bits(system.path("models", "base"))
    if fine_tune_type == "full" and bits is not None:
        raise BadInputError(
            f"fine_tune_type: full, but the weights of models/base have {bits} bits, which no update changes and full weights do not "
            "fit; take lora or dora, or a base model that is not quantised"
        )


def _budget(system: System, max_tokens: int) -> Iterator[str]:
    """Check that the longest true answer fits into evaluate.max_tokens."""
    if not system.metrics("convert").exists():  # token files that convert did not write
        return
    figures = read_json(system.metrics("convert"))
    for name in ("train", "valid"):
        longest = figures[name].get("completion_tokens_max", 0)
        if longest > max_tokens:
            yield (
                f"warning: evaluate.max_tokens {max_tokens} is less than the {longest} tokens of the longest answer in "
                f"{system.split(name)}: outputs as long as that will be cut"
            )


def _decoding(system: System, max_tokens: int, constrained: Sequence[str], date: str) -> Iterator[str]:
    """Print the length of the shortest answer that the target schema allows, and the parts of the schema that decoding cannot enforce."""
    from mlx_lm.tokenizer_utils import TokenizerWrapper

    from plateau.data.fields import load_schema
    from plateau.lm.constraint import Constraint
    from plateau.lm.generation import ends
    from plateau.prompts import chat

    tokenizer: Any = chat.load_tokenizer(system.path("models", "base"), date)
    wrapped = TokenizerWrapper(tokenizer)
    schema = load_schema(system.schema("target"))
    constraint = Constraint(wrapped, schema, max_tokens, ends(wrapped))
    yield f"the shortest answer that the target schema allows: {constraint.shortest} tokens, evaluate.max_tokens {constraint.max_tokens}"
    if constraint.relaxed:
        yield (
            f"warning: {len(constraint.relaxed)} of the target schema that decoding cannot hold, so that {', '.join(constraint.relaxed)} "
            f"may be broken by outputs of {', '.join(constrained)}; they are checked all the same"
        )
