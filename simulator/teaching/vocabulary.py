"""The reference model's tokenizer: byte-level BPE of its own, with the chat template."""

import random
from collections.abc import Iterable
from pathlib import Path

from plateau.core.files import write_json
from simulator.contacts.grammar import pick
from simulator.teaching.words import COMMON_WORDS

SIZE = 1536
PAD, EOS, USER, ASSISTANT = "<|pad|>", "<|end|>", "<|user|>", "<|assistant|>"
# A line break, a digit, JSON between two strings, a word or name, other signs, white space: no token crosses these.
PIECES = r'\n| ?\d|"[,:] "?|, "| ?[\p{L}_]+| ?[^\s\p{L}\d_]+|[^\S\n]+'
CHAT_TEMPLATE = (
    "{% for message in messages %}{{ '<|' + message['role'] + '|>\n' + message['content'] }}"
    "{% if message['role'] == 'assistant' %}{{ eos_token }}{% else %}{{ '\n' }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>\n' }}{% endif %}"
)
CONFIG = {
    "tokenizer_class": "PreTrainedTokenizerFast",
    "pad_token": PAD,
    "eos_token": EOS,
    "additional_special_tokens": [USER, ASSISTANT],
    "clean_up_tokenization_spaces": False,
    "model_max_length": 2048,
    "chat_template": CHAT_TEMPLATE,
}


def train(texts: Iterable[str], folder: Path) -> None:
    """Learn the vocabulary from `texts` and write tokenizer.json and tokenizer_config.json into `folder`."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    pieces = pre_tokenizers.Split(Regex(PIECES), "isolated")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pieces, pre_tokenizers.ByteLevel(False, use_regex=False)])
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=SIZE,
        special_tokens=[PAD, EOS, USER, ASSISTANT],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    write_json(folder / "tokenizer_config.json", CONFIG)


def sample(draw: random.Random) -> str:
    """JSON of everyday words, so that the vocabulary has its signs and their pieces."""
    a, b, c, d, e, f, g = (pick(draw, COMMON_WORDS) for _ in range(7))
    return f'\n{{"{a}_{b}": "{c.title()} {d}", "{e}": 10, "{f}": "{g}", "{b}": true, "{c}": "{a.title()} {e}."}}'
