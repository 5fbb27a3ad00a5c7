"""The floor that token frequencies set."""

import math
from pathlib import Path

import pytest

from plateau.prompts import tokens
from plateau.training.frequencies import unigram_loss


def written(path: Path, *rows: tuple[list[int], int]) -> tokens.Tokens:
    tokens.write(path, [(str(i), ids, start) for i, (ids, start) in enumerate(rows)])
    return tokens.open_tokens(path)


def test_it_is_the_cross_entropy_of_the_completions_under_training_frequencies(tmp_path: Path) -> None:
    train = written(tmp_path / "train", ([9, 1, 2], 1), ([9, 1, 1], 1))
    valid = written(tmp_path / "valid", ([9, 9, 1, 2], 2))
    expected = -(math.log((3 + 1 / 3) / 5) + math.log((1 + 1 / 3) / 5)) / 2
    assert unigram_loss(train, valid, train_on_prompt=False) == pytest.approx(expected)
    assert unigram_loss(train, valid, train_on_prompt=True) > expected


def test_an_unseen_token_costs_more_than_a_seen_one_but_not_everything(tmp_path: Path) -> None:
    train = written(tmp_path / "train", ([1, 2, 3] * 50, 1))
    strange = written(tmp_path / "valid", ([1, 17], 1))
    assert unigram_loss(train, train, train_on_prompt=True) == pytest.approx(math.log(3), rel=0.01)
    assert math.log(18) < unigram_loss(train, strange, train_on_prompt=True) < math.inf
