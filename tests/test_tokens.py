from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plateau.core.errors import BadInputError
from plateau.prompts import tokens

ROWS = st.lists(
    st.tuples(st.text(max_size=5), st.lists(st.integers(0, 2**31 - 1), min_size=2, max_size=20), st.just(1)),
    max_size=30,
)


@given(rows=ROWS, batch_rows=st.integers(1, 7))
def test_what_is_written_in_batches_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tokens.Row], batch_rows: int
) -> None:
    path = tmp_path_factory.mktemp("tokens") / "train.arrow"
    tokens.write(path, rows, batch_rows)
    read = tokens.open_tokens(path)
    assert [
        (name, read.ids(number).tolist(), start)
        for number, (name, start) in enumerate(zip(read.names, read.completion_start.tolist(), strict=True))
    ] == rows
    assert read.lengths.tolist() == [len(ids) for _, ids, _ in rows]
    assert len(read) == len(rows)
    assert read.lengths.dtype == read.completion_start.dtype == np.int32


def test_the_same_rows_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        tokens.write(tmp_path / name, [("x", [1, 2, 3], 2)])
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_row_without_a_supervised_token_names_file_and_row(tmp_path: Path) -> None:
    path = tmp_path / "train.arrow"
    tokens.write(path, [("good", [1, 2], 1), ("bad", [1, 2], 2)])
    with pytest.raises(BadInputError, match=r"train\.arrow: row 1 \(bad\)"):
        tokens.open_tokens(path)


def test_an_absent_or_broken_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="no such file"):
        tokens.open_tokens(tmp_path / "absent.arrow")
    (tmp_path / "broken.arrow").write_bytes(b"ARROW1 but cut short")
    with pytest.raises(BadInputError, match="not an Arrow file"):
        tokens.open_tokens(tmp_path / "broken.arrow")
