"""Blind rows: a part of the test that stays away from every stage, and that is opened once for the chosen adapter."""

import json
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from plateau.core import params
from plateau.core.errors import BadInputError
from plateau.core.figures import read
from plateau.core.files import sha256
from plateau.core.system import System
from plateau.evaluation import samples
from plateau.metrics.evaluate import Evaluate
from plateau.metrics.unsealed import Unsealed
from plateau.splits import partition
from stages import unseal
from tools import deps


@given(groups=st.lists(st.integers(0, 12), min_size=2, max_size=60), size=st.integers(1, 70), seed=st.integers(0, 5))
def test_blind_rows_are_whole_groups_of_the_test_and_the_others_stay(groups: list[int], size: int, seed: int) -> None:
    codes = np.array([99, *groups], dtype=np.int64)
    test = np.arange(1, len(codes), dtype=np.int64)
    if size > len(groups) or len(set(groups)) == 1:
        with pytest.raises(BadInputError, match=r"split\.test_size"):
            partition._blind(test, codes, size, seed)
        return
    try:
        made = partition._blind(test, codes, size, seed)
    except BadInputError:  # the groups that hold so many rows are all that there are
        return
    away, stay = made["blind"], made["test"]
    assert sorted([*away, *stay]) == test.tolist()
    assert len(away) >= size
    assert len(stay) > 0
    assert not set(codes[away].tolist()) & set(codes[stay].tolist())
    assert made["blind"].tolist() == partition._blind(test, codes, size, seed)["blind"].tolist()


def test_no_stage_reads_the_blind_rows_but_the_one_that_opens_them() -> None:
    reading = [
        path.name
        for path in sorted((deps.ROOT / "stages").glob("*.py"))
        if deps.ROOT / "plateau/evaluation/unsealing.py" in deps.modules(path)
    ]
    assert reading == ["unseal.py"]


@pytest.fixture
def system(trained: System, tmp_path: Path) -> System:
    """The trained system, with the test rows that were generated for as blind rows."""
    found = System(Path(shutil.copytree(trained.path(), tmp_path / "system")))
    split = samples.open_split(found, "test", json.loads(found.metrics("evaluate").read_text())["generated"])
    rows = pq.read_table(found.split("test")).take(split.sampled)
    said = [
        [{**turn, "text": turn["text"].removeprefix("[CONVERSATION]\nCustomer: ")} for turn in turns]
        for turns in rows["turns"].to_pylist()
    ]
    rows = rows.set_column(rows.column_names.index("turns"), "turns", pa.array(said, rows.schema.field("turns").type))
    pq.write_table(rows, found.split("blind"))
    found.metrics("convert").write_text(json.dumps({"train": {"completion_tokens_max": 60}}))
    values = yaml.safe_load(found.path("params.yaml").read_text())
    values["convert"]["context"] = []
    found.path("params.yaml").write_text(yaml.safe_dump(values))
    return found


def opened(system: System) -> Unsealed:
    unseal.main(system, params.load(system, unseal.PARAMS))
    return read(Unsealed, system.metrics("unsealed"))


def test_the_blind_rows_are_scored_as_the_test_rows_are_and_opened_once(system: System) -> None:
    found, tested = opened(system), read(Evaluate, system.metrics("evaluate"))
    assert (found.rows, found.blind) == (tested.generated, sha256(system.split("blind")))
    assert found.adapter == tested.look.adapter
    assert found.score == tested.arm("adapter").score
    assert found.schema_valid == tested.arm("adapter").schema_valid
    for name, gain in found.gains.items():
        assert gain == tested.comparison("adapter", name).score, name
    assert set(found.gains) == {"majority", "linear"}
    with pytest.raises(BadInputError, match="were opened before"):
        opened(system)


def test_without_blind_rows_there_is_nothing_to_open(system: System) -> None:
    system.split("blind").unlink()
    with pytest.raises(BadInputError, match=r"split\.blind_size"):
        opened(system)
    assert not system.metrics("unsealed").exists()
