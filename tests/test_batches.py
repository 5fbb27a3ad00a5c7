import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from plateau.lm.batches import epoch_batches, in_order, padding_waste

LENGTHS = st.lists(st.integers(2, 400), min_size=1, max_size=300).map(lambda values: np.array(values, np.int32))


@given(
    LENGTHS,
    st.integers(0, 2**32 - 1),
    st.integers(0, 50),
    st.integers(1, 40),
    st.one_of(st.none(), st.integers(1, 4000)),
)
def test_an_epoch_holds_every_row_once(
    lengths: np.ndarray, seed: int, epoch: int, batch_size: int, max_tokens: int | None
) -> None:
    batches = epoch_batches(lengths, seed, epoch, batch_size, max_tokens)
    assert sorted(np.concatenate(batches).tolist()) == list(range(len(lengths)))
    assert all(len(rows) for rows in batches)


@given(LENGTHS, st.integers(1, 40))
def test_an_evaluation_holds_every_row_once_in_one_order(lengths: np.ndarray, batch_size: int) -> None:
    batches = in_order(lengths, batch_size)
    assert sorted(np.concatenate(batches).tolist()) == list(range(len(lengths)))
    assert np.all(np.diff(lengths[np.concatenate(batches)]) >= 0)


@given(LENGTHS, st.integers(400, 4000))
def test_a_token_budget_holds_for_every_batch(lengths: np.ndarray, max_tokens: int) -> None:
    for rows in epoch_batches(lengths, 0, 0, 1, max_tokens):
        assert len(rows) * lengths[rows].max() <= max_tokens


def test_each_epoch_and_each_seed_draws_its_own_order() -> None:
    lengths = np.arange(2, 202, dtype=np.int32)
    orders = [
        np.concatenate(epoch_batches(lengths, seed, epoch, 8)).tolist() for seed, epoch in [(0, 0), (0, 1), (1, 0)]
    ]
    assert orders[0] != orders[1]
    assert orders[0] != orders[2]
    assert orders[0] == np.concatenate(epoch_batches(lengths, 0, 0, 8)).tolist()


def test_the_same_rows_do_not_always_share_a_batch() -> None:
    lengths = np.tile(np.arange(2, 12, dtype=np.int32), 100)
    mates = [{frozenset(rows.tolist()) for rows in epoch_batches(lengths, 0, epoch, 8)} for epoch in range(2)]
    assert len(mates[0] & mates[1]) < 5


def test_grouping_by_length_wastes_less_than_drawing_at_random() -> None:
    draw = np.random.default_rng(0)
    lengths = draw.integers(20, 400, 2000).astype(np.int32)
    grouped = padding_waste(lengths, epoch_batches(lengths, 0, 0, 16))
    order = draw.permutation(2000)
    assert grouped < 0.1 * padding_waste(lengths, [order[i : i + 16] for i in range(0, 2000, 16)])
