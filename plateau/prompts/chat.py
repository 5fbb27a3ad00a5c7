"""The one prompt: render turns and context as a chat message, and a chat as token ids.

Conversion, training, evaluation and serving all use this module, so a prompt is the same everywhere. Token ids come from the tokenizer's own chat template, as in every stock client. The text of a conversation is data: special tokens in it are broken up, and each turn is one line.
"""

import os
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from plateau.core.errors import BadInputError
from plateau.prompts import template

Turn = Mapping[str, Any]


def load_tokenizer(path: Path, date: str = template.TEMPLATE_DATE) -> Any:
    """The transformers tokenizer of a model folder; a template that asks for the time is told `date`.

    Raises BadInputError without a tokenizer or chat template, and where the template cannot render a conversation.
    """
    if not path.is_dir():
        raise BadInputError(f"{path}: no such model folder; check `model` in params.yaml and run `dvc repro base`")
    os.environ.setdefault(
        "TRANSFORMERS_VERBOSITY", "error"
    )  # else transformers reports on import that PyTorch is missing
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(str(path), local_files_only=True)
    except (OSError, ValueError, KeyError) as error:
        raise BadInputError(f"{path}: no tokenizer can be loaded: {' '.join(str(error).split())}") from None
    template.fix(tokenizer, path, date)
    _try(tokenizer, path)
    return tokenizer


def _try(tokenizer: Any, path: Path) -> None:
    """Render a conversation of one word each as a test; raises BadInputError that names the template's file and its fault."""
    from jinja2 import TemplateError

    try:
        for completion in (None, "x"):
            _text(tokenizer, "x", completion)
    except (TemplateError, TypeError, ValueError, KeyError, AttributeError) as error:
        said = " ".join(str(error).split())
        raise BadInputError(
            f"{template.template_file(path)}: its chat template cannot render a question and an answer: {said}; correct it, or put "
            "another into chat_template.jinja beside it"
        ) from None


def messages(turns: Sequence[Turn], context: Mapping[str, Any], instruction: str) -> str:
    """The user message: the instruction, a [TEMPORAL CONTEXT] block and a [CONVERSATION] block of one line a turn."""
    facts = [f"{name}: {fact(value)}" for name, value in context.items()]
    lines = [f"{turn['role'][:1].upper()}{turn['role'][1:]}: {turn['text']}" for turn in turns]
    blocks = [instruction.strip(), _block("[TEMPORAL CONTEXT]", facts), _block("[CONVERSATION]", lines)]
    return "\n\n".join(block for block in blocks if block)


def fact(value: object) -> str:
    """A context value as text: true, false, unknown, 120, 14.5, or the text itself."""
    if value is None:
        return "unknown"
    if isinstance(value, bool):
        return str(value).lower()
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _block(heading: str, lines: Sequence[str]) -> str:
    """A heading over its lines; each is collapsed onto one line, so that text cannot pose as a turn or a heading."""
    return "\n".join([heading, *(" ".join(line.split()) for line in lines)]) if lines else ""


def specials(tokenizer: Any) -> tuple[str, ...]:
    """Texts of the special and added tokens, which must not occur in data; tokens of white space are not among them."""
    added = {token.content.strip() for token in tokenizer.added_tokens_decoder.values() if len(token.content) > 1}
    return tuple(sorted((added | set(tokenizer.all_special_tokens)) - {""}))


def render(tokenizer: Any, content: str, completion: str) -> tuple[list[int], int]:
    """Token ids of a chat, and where its completion starts; raises BadInputError when the prompt is not a prefix of the whole."""
    return render_all(tokenizer, [content], [completion])[0]


def dialogue(content: str, completion: str) -> list[dict[str, str]]:
    """Chat messages as every stock client takes them."""
    return [{"role": "user", "content": content}, {"role": "assistant", "content": completion}]


def _text(tokenizer: Any, content: str, completion: str | None) -> str:
    """The chat as text; without a completion, it ends where the model's answer begins."""
    chat = dialogue(content, completion or "")
    waiting = completion is None
    return str(
        tokenizer.apply_chat_template(chat[:1] if waiting else chat, tokenize=False, add_generation_prompt=waiting)
    )


def _encode(tokenizer: Any, texts: list[str]) -> list[list[int]]:
    encoded: list[list[int]] = tokenizer(texts, add_special_tokens=False, return_attention_mask=False)["input_ids"]
    return encoded


def render_all(tokenizer: Any, contents: Sequence[str], completions: Sequence[str]) -> list[tuple[list[int], int]]:
    """`render` for many chats at once, which is faster; what a template writes after the answer's end is left out."""
    if not contents:
        return []
    prompts = _encode(tokenizer, [_text(tokenizer, content, None) for content in contents])
    wholes = _encode(tokenizer, [_text(tokenizer, *pair) for pair in zip(contents, completions, strict=True)])
    stop, after = ending(tokenizer)
    made = []
    for prompt, whole in zip(prompts, wholes, strict=True):
        if whole[: len(prompt)] != prompt:
            raise BadInputError(
                "the chat template's prompt is no prefix of the whole chat: training and use would differ"
            )
        end = len(whole) - after
        made.append((whole[:end] if after and whole[end - 1] == stop else whole, len(prompt)))
    return made


def ending(tokenizer: Any) -> tuple[int | None, int]:
    """The special token with which the template ends an answer, None where it has none, and how many tokens it writes after it."""
    return _ending(tokenizer, tokenizer.chat_template)


@lru_cache(maxsize=8)
def _ending(tokenizer: Any, _: str) -> tuple[int | None, int]:
    answer = "answer"
    text = _text(tokenizer, "x", answer)
    [tail] = _encode(tokenizer, [text[text.rindex(answer) + len(answer) :]]) if answer in text else [[]]
    places = [place for place, number in enumerate(tail) if number in added_tokens(tokenizer)]
    return (tail[places[0]], len(tail) - places[0] - 1) if places else (None, 0)


def added_tokens(tokenizer: Any) -> set[int]:
    """Ids of the special and added tokens of more than a character."""
    added = {number for number, token in tokenizer.added_tokens_decoder.items() if len(token.content.strip()) > 1}
    return added | set(tokenizer.all_special_ids)
