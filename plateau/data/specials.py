"""Special tokens of a model's tokenizer: none of them may occur as text in what the model reads or must write."""

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from plateau.core import files

_DROPPED = ("Mn", "Me", "Cf", "Cc")
_ODD = re.compile(r"[^\s\x20-\x7e]")
_CONFIGS = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json")
_ADDED = ("added_tokens", "added_tokens_decoder")
_NAMED = ("_token", "special_tokens")
# Texts that look like a special token, used where no model is known yet.
_LIKELY = re.compile(r"<[|\uff5c][^<>|\uff5c]{1,64}[|\uff5c]>")


def of_model(folder: Path) -> tuple[str, ...]:
    """The special and added tokens of a model folder, read from its tokenizer's files alone; white space is none."""
    configs = [files.read_json(path) for path in (folder / name for name in _CONFIGS) if path.is_file()]
    added = [token for config in configs for key in _ADDED if key in config for token in _texts(config[key])]
    named = [token for config in configs for key in config if key.endswith(_NAMED) for token in _texts(config[key])]
    found = {*named, *(token for token in added if len(token) > 1)}
    return tuple(sorted({token.strip() for token in found} - {""}))


def _texts(value: Any) -> Iterator[str]:
    """Tokens of a configuration: texts, or mappings of which `content` is the text, one or several."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict) and "content" in value:
        yield value["content"]
    elif isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _texts(one)


def first_in(text: str, specials: tuple[str, ...] | None) -> str | None:
    """The first special token in a text, in any case, including one that appears only after the tokenizer's normalisation.

    Where no model is known (None), the first text that looks like one: `<|user|>`.
    """
    pattern = _LIKELY if specials is None else _any_of(specials)
    if not pattern:
        return None
    found = pattern.search(text) or (pattern.search(_folded(text)) if _ODD.search(text) else None)
    return found[0] if found else None


def neutralise(text: str, specials: tuple[str, ...]) -> str:
    """Break every special token in `text`, in any case: `<s>` becomes `< s>`. None is left, and a second call changes nothing.

    Tokens that appear only after the tokenizer's normalisation, such as from full-width letters, are broken too; such a
    text is folded first.
    """
    pattern = _any_of(specials)
    if pattern and _ODD.search(text) and pattern.search(folded := _folded(text)):
        text = folded
    while pattern and pattern.search(text):
        text = pattern.sub(lambda match: _broken(match[0]), text)
    return text


@lru_cache(maxsize=8)
def _any_of(specials: tuple[str, ...]) -> re.Pattern[str] | None:
    longest_first = sorted(specials, key=lambda token: (-len(token), token))
    return re.compile("|".join(map(re.escape, longest_first)), re.IGNORECASE) if specials else None


def _folded(text: str) -> str:
    """The text without accents, invisible characters and compatibility forms: everything that a normaliser may remove."""
    plain = unicodedata.normalize("NFKD", text)
    return "".join(mark for mark in plain if mark.isspace() or unicodedata.category(mark) not in _DROPPED)


def _broken(token: str) -> str:
    """Put a space after the first character; a token with white space inside, or of one character, loses its first character."""
    return f"{token[0]} {token[1:]}" if len(token) > 1 and not re.search(r"\s", token) else token[1:]
