"""Shared fixtures: a tiny tokenizer with a chat template, as real as the one of models/reference but made in a second."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from plateau.core.system import System
from plateau.evaluation.arms import RUN

ASKED = ("baselines", "opponents", "external", "answers")
settings.register_profile("plateau", deadline=None, derandomize=True, max_examples=60)
settings.load_profile("plateau")

TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}{{ '<|' + message['role'] + '|>' }}{{ message['content'] }}"
    "{% if message['role'] == 'assistant' %}{{ eos_token }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)
CORPUS = [
    "[TEMPORAL CONTEXT] timestamp: 2025-01-15T14:30:00 time_of_day: afternoon day_of_week: Wednesday",
    "[CONVERSATION] Agent: Thank you for calling. Customer: My internet has been down since yesterday.",
    json.dumps({"primary_category": "billing", "csat": 3.5, "coaching": ["Listen first."]}),
]


@pytest.fixture(scope="session")
def tokenizer_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder that holds a tokenizer and no weights."""
    return make_tokenizer(tmp_path_factory.mktemp("base"))


def make_tokenizer(folder: Path) -> Path:
    """Write a byte-level BPE tokenizer of 512 entries with four special tokens into `folder`."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=512,
        special_tokens=["<s>", "</s>", "<|user|>", "<|assistant|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(CORPUS, trainer)
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>")
    fast.chat_template = TEMPLATE
    fast.save_pretrained(str(folder))
    (folder / "config.json").write_text('{"model_type": "mistral"}')
    return folder


@pytest.fixture(scope="session")
def tokenizer(tokenizer_dir: Path) -> Any:
    """That tokenizer, loaded as the stages load it."""
    from plateau.prompts import chat

    return chat.load_tokenizer(tokenizer_dir)


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory, tokenizer_dir: Path) -> System:
    """A system run through every stage from train on, with all arms and three samples a row."""
    import tiny_task

    options = {
        **tiny_task.LEARNT,
        "evaluate.arms": [arm.name for arm in RUN],
        "evaluate.num_generations": 3,
        "evaluate.stability_samples": 5,
    }
    system: System = tiny_task.system(tmp_path_factory.mktemp("trained"), tokenizer_dir, **options)
    tiny_task.run(system, "train", "select", *ASKED, "evaluate", "overfit_check")
    return system
