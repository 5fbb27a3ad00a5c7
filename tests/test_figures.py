"""A class of figures says how they are written, read and described: a metrics file, its schema and its class never differ."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plateau.core.errors import BadInputError
from plateau.core.figures import (
    INLINE,
    OPTIONAL,
    Bare,
    Count,
    Decimals,
    Digits,
    Estimate,
    Keys,
    Share,
    from_json,
    to_json,
)
from plateau.metrics.files import FILES
from plateau.metrics.schema import schema
from tests.contracts import metrics_problems
from tools.deps import ROOT
from tools.metrics import FOLDER, metrics_schema


@dataclass(frozen=True)
class Inner:
    """what is inside"""

    seen: Annotated[Count, "rows seen"]
    word: Annotated[Literal["yes", "no"] | None, "an answer"]


@dataclass(frozen=True)
class Whole:
    """A file."""

    loss: Annotated[Estimate, "mean loss"]
    share: Annotated[Share, "a share"]
    gain: Annotated[Estimate, Bare("its interval"), "gain over the base"]
    inner: Inner
    beside: Annotated[Inner, INLINE]
    by_name: Annotated[Mapping[str, Inner], "what is inside, by name"]
    by_split: Annotated[Mapping[str, Count], Keys({"train": "rows of train", "test": "rows of test"}), "rows"]
    names: Annotated[Sequence[str], "names"]
    exact: Annotated[float | None, Digits(9), "a loss"]
    rough: Annotated[float | None, Decimals(1), "a mean"]
    either: Annotated[float | str, "a bound"]
    maybe: Annotated[Estimate | None, OPTIONAL, "left out where unknown"]


floats = st.floats(-1e6, 1e6)
estimates = st.builds(Estimate, floats, st.none() | floats, st.none() | floats)
counts = st.integers(0, 10**9)
inners = st.builds(Inner, counts, st.sampled_from(["yes", "no", None]))
wholes = st.builds(
    Whole,
    loss=estimates,
    share=st.floats(0, 1),
    gain=estimates,
    inner=inners,
    beside=inners,
    by_name=st.dictionaries(st.text(), inners, max_size=3),
    by_split=st.fixed_dictionaries({"train": counts, "test": counts}),
    names=st.lists(st.text(), max_size=3),
    exact=st.none() | floats,
    rough=st.none() | floats,
    either=floats | st.text(),
    maybe=st.none() | estimates,
)


@given(wholes)
def test_what_is_written_obeys_the_schema_and_reads_back_as_the_same(whole: Whole) -> None:
    written = to_json(whole)
    jsonschema.Draft202012Validator(schema(Whole)).validate(written)
    assert to_json(from_json(Whole, json.loads(json.dumps(written)), "file")) == written
    assert list(written) == [key for key in schema(Whole)["properties"] if key in written]


def example(**changes: Any) -> Whole:
    inner = Inner(3, None)
    known = {
        "loss": Estimate(1.23456789, 1.0, math.nan),
        "share": 0.12345678,
        "gain": Estimate(0.5, 0.4, 0.6),
        "inner": inner,
        "beside": inner,
        "by_name": {},
        "by_split": {"train": 1, "test": 2},
        "names": [],
        "exact": 1.23456789012,
        "rough": 0.16,
        "either": "healthy",
        "maybe": None,
    }
    return Whole(**{**known, **changes})


def test_figures_are_rounded_and_estimates_named_in_one_place() -> None:
    written = to_json(example())
    assert (written["loss"], written["loss_low"], written["loss_high"]) == (1.23457, 1.0, None)
    assert (written["gain"], written["low"], written["high"]) == (0.5, 0.4, 0.6)
    assert (written["share"], written["exact"], written["rough"]) == (0.123457, 1.23456789, 0.2)
    assert "maybe" not in written
    assert to_json(example(maybe=Estimate(1.0)))["maybe"] == 1.0


def test_a_missing_figure_is_none_and_what_holds_others_is_empty() -> None:
    old = from_json(Whole, {"share": math.inf, "unknown_to_this_version": 1}, "file")
    assert (old.loss, old.share, old.inner, old.names) == (Estimate(None), None, Inner(None, None), [])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"names": "a, b"}, "metrics/x.json: names: 'a, b' is not a list"),
        ({"inner": [1]}, "metrics/x.json: inner: [1] is not an object"),
        ({"seen": 1.5}, "metrics/x.json: seen: 1.5 is not a whole number"),
        ({"seen": True}, "metrics/x.json: seen: True is not a whole number"),
        ({"share": "0.5"}, "metrics/x.json: share: '0.5' is not a number"),
        ({"by_name": {"a": {"word": "maybe"}}}, "metrics/x.json: by_name: a: word: 'maybe' is not one of yes, no"),
        ({"either": False}, "metrics/x.json: either: False is not a number or a text"),
        ({"loss_low": "x"}, "metrics/x.json: loss_low: 'x' is not a number"),
    ],
)
def test_a_value_of_another_type_is_refused_with_its_place(change: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInputError) as refused:
        from_json(Whole, {**to_json(example()), **change}, "metrics/x.json")
    assert str(refused.value).startswith(said)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("name", FILES)
def test_a_schema_is_the_one_that_its_class_gives(name: str) -> None:
    assert json.loads((FOLDER / f"{name}.schema.json").read_text(encoding="utf-8")) == metrics_schema(name)


KEPT = [path for folder in (ROOT, ROOT / "systems" / "star") for path in sorted((folder / "metrics").glob("*.json"))]


@pytest.mark.parametrize("path", [path for path in KEPT if path.stem in FILES], ids=lambda path: path.as_posix())
def test_a_metrics_file_reads_and_writes_to_the_same_bytes(path: Any) -> None:
    found = json.loads(path.read_text(encoding="utf-8"))
    if metrics_problems(path.stem, found):
        pytest.skip("the figures of an earlier version; tests/test_metrics.py says so")
    assert json.dumps(to_json(from_json(FILES[path.stem], found, path.name))) == json.dumps(found)
