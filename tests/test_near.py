import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plateau.splits import near

WORDS = [f"w{number}" for number in range(400)]


def conversations(count: int, seed: int = 0) -> list[str]:
    rng = np.random.default_rng(seed)
    return [f"agent: {' '.join(rng.choice(WORDS, 100))}" for _ in range(count)]


def changed(text: str, words: int, rng: np.random.Generator) -> str:
    parts = text.split()
    for place in rng.choice(len(parts) - 2, words, replace=False) + 2:
        parts[place] = "other"
    return " ".join(parts)


def jaccard(a: str, b: str) -> float:
    sets = [{tuple(words[i : i + 3]) for i in range(len(words) - 2)} for words in (near.words(a), near.words(b))]
    return len(sets[0] & sets[1]) / len(sets[0] | sets[1])


@pytest.mark.parametrize("threshold", [0.5, 0.7, 0.9])
def test_planted_near_duplicates_are_found_with_their_exact_similarity(threshold: float) -> None:
    texts, rng = conversations(300), np.random.default_rng(1)
    planted = {(row, len(texts) + row): changed(texts[row], 1 + row % 8, rng) for row in range(200)}
    found = near.find([*texts, *planted.values()], threshold)
    similarity = dict(zip(zip(found.a.tolist(), found.b.tolist(), strict=True), found.similarity.tolist(), strict=True))
    wanted = {pair: jaccard(texts[pair[0]], text) for pair, text in planted.items()}
    near_ones = {pair: value for pair, value in wanted.items() if value >= threshold}
    assert set(similarity) <= set(near_ones)
    assert len(similarity) >= 0.97 * len(near_ones) > 20
    assert all(similarity[pair] == pytest.approx(wanted[pair]) for pair in similarity)


@given(threshold=st.floats(0.3, 0.99))
def test_the_bands_find_a_pair_at_the_threshold_with_the_recall_wanted(threshold: float) -> None:
    count, rows = near.bands(threshold)
    assert 1 - (1 - threshold**rows) ** count >= 0.99
    assert count * rows <= 400


def test_equal_words_are_equal_whatever_case_and_white_space() -> None:
    codes = near.exact(near.words(text) for text in ("Agent:  Hello there", "agent: hello\tthere", "agent: hello you"))
    assert codes[0] == codes[1] != codes[2]
    assert near.first_of_equals(codes).tolist() == [0, 2]
    assert near.repeats(codes).b.tolist() == [1]


@pytest.mark.parametrize(
    "texts", [[], ["a"], ["", "", "b c", "d"], ["你好世界很高兴" * 3, "你好世界很高兴" * 3 + "再见"]]
)
def test_texts_of_few_or_no_words_do_no_harm(texts: list[str]) -> None:
    assert len(near.find(texts, 0.7).a) == (1 if "你" in "".join(texts) else 0)


def test_thousands_of_alike_conversations_cost_no_square_and_end_in_one_cluster() -> None:
    texts = [f"agent: {' '.join(WORDS[:60])} case {number}" for number in range(3000)]
    found = near.find(texts, 0.7)
    assert len(found.a) < 3000 * 16 * near.bands(0.7)[0] / 10
    assert len(set(near.components(len(texts), (found.a, found.b)).tolist())) == 1


def test_the_same_texts_in_batches_give_the_same_sketch() -> None:
    texts = conversations(50)
    whole = near.sketch(texts, 0.7)
    parts = near.Sketch.joined([near.sketch(texts[:20], 0.7), near.sketch(texts[20:], 0.7)])
    assert all(np.array_equal(a, b) for a, b in zip(vars(whole).values(), vars(parts).values(), strict=True))
