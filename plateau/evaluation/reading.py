"""The JSON value that a client finds in an answer: the whole text, a fenced block, or the value inside prose.

A model that was not trained on the format often wraps its answer; whoever calls it unwraps it. `scoring.parse` reads strictly.
"""

import json
import re
from collections.abc import Iterator
from itertools import chain
from typing import Any

from plateau.data.fields import UNUSABLE
from plateau.data.strict_json import STRICT
from plateau.evaluation import scoring

_FENCED = re.compile(r"```[^\n`]*\n(.*?)```", re.DOTALL)
_STARTS: dict[type | None, re.Pattern[str]] = {
    dict: re.compile(r"\{"),
    list: re.compile(r"\["),
    None: re.compile(r'"|-?\b\d|\b(?:true|false|null)\b'),
}


def shape(value: Any) -> type | None:
    """What a client asked for, from a true target: an object, a list, or neither of them (None)."""
    return next((kind for kind in (dict, list) if isinstance(value, kind)), None)


def read(text: str, asked: set[type | None]) -> Any:
    """The JSON value of an answer, UNUSABLE where there is none; `asked` are the shapes that the targets have.

    The whole text where it is JSON; else the first fenced block that is; else the first value of such a shape inside prose.
    """
    whole = scoring.parse(text)
    if whole is not UNUSABLE:
        return whole
    blocks = (scoring.parse(block) for block in _FENCED.findall(text))
    fenced = (value for value in blocks if value is not UNUSABLE and shape(value) in asked)
    inside = (value for kind in _STARTS if kind in asked for value in _inside(text, kind))
    return next(chain(fenced, inside), UNUSABLE)


def _inside(text: str, kind: type | None) -> Iterator[Any]:
    """The values of a shape that stand in a text; where one breaks off, the search goes on behind the break, never inside it.

    The search ends at a value that is nested too deep to be read.
    """
    place = 0
    while start := _STARTS[kind].search(text, place):
        try:
            value, place = STRICT.raw_decode(text, start.start())
            yield value
        except json.JSONDecodeError as error:
            place = max(error.pos, start.end())
        except RecursionError:  # nested too deep: a value further on would be one inside it
            return
        except ValueError:  # a number that no float holds, or NaN
            place = start.end()
