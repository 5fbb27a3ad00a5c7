"""How close a test row is to training: copies that differ in case, digits, accents and punctuation are copies."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from plateau.evaluation import closeness

TRAIN = [
    "My order 4411 has not arrived yet, can you help?",
    "The internet drops every evening around eight o'clock.",
    "Please cancel my subscription at the end of the month.",
    "Où est mon colis ? Je l'attends depuis lundi.",
]


def test_a_copy_that_differs_in_case_digits_accents_and_marks_is_a_copy() -> None:
    asked = ["MY ORDER 99-12 has not arrived yet -- can you help!", "ou est mon colis... je l attends depuis lundi"]
    found = closeness.closeness(TRAIN, asked)
    assert found.equal.tolist() == [True, True]
    assert found.nearest.tolist() == [0, 3]
    assert found.similarity.tolist() == [1.0, 1.0]


def test_a_paraphrase_is_nearer_than_another_topic() -> None:
    asked = ["The internet drops every evening around nine.", "What colour is the bird in my garden?"]
    found = closeness.closeness(TRAIN, asked)
    assert found.nearest[0] == 1
    assert found.similarity[0] > 0.6 > 0.4 > found.similarity[1]
    assert not found.equal.any()


def test_the_far_half_is_the_half_that_is_least_like_training() -> None:
    similarity = np.array([0.9, 0.1, 0.5, 0.5, 0.2])
    assert closeness.far_half(similarity).tolist() == [False, True, True, False, True]


def test_bands_hold_their_lower_bounds() -> None:
    assert closeness.bands(np.array([0.0, 0.29, 0.3, 0.9, 1.0])).tolist() == [0, 0, 1, 4, 4]


@given(st.lists(st.text(max_size=30), max_size=8), st.lists(st.text(max_size=30), max_size=8))
def test_similarity_is_between_0_and_1_and_1_for_equal_texts(train: list[str], test: list[str]) -> None:
    found = closeness.closeness(train, test)
    assert ((found.similarity >= 0) & (found.similarity <= 1)).all()
    again = closeness.closeness([*train, *test], test)
    assert again.equal.all()
    assert (again.similarity == 1).all()
