"""Risk factors are sentences with the figure that they rest on, and there are none where nothing is wrong."""

import pytest

from plateau.core.figures import from_json
from plateau.decision import risks as rules
from plateau.metrics.convert import Convert
from plateau.metrics.evaluate import Evaluate
from plateau.metrics.overfit import Judged
from plateau.metrics.split import Split
from plateau.metrics.train import Train

POINT = {"iteration": 1200, "status": "minimal", "gap_pct": 5.0}
TRAIN = {"epochs": 2}
EVALUATE = {
    "baselines_not_beaten": [],
    "comparisons": {"adapter_vs_linear": {"fields": {"csat": {"result": "better"}}}},
    "drift": {
        "valid_loss": 1.0,
        "valid_loss_low": 0.95,
        "valid_loss_high": 1.05,
        "valid_rows": 188,
        "result": "not_told_apart",
    },
    "leaks": {"leaked_rows": 0},
    "arms": {"adapter": {"loss": 0.5, "fields": {}}, "fused": {"loss": 0.501}},
    "diagnostics": {
        "memorisation": {"result": "not_told_apart", "train_verbatim": 0.5, "valid_verbatim": 0.4},
        "difficulty": {"result": "fine", "base_score_on_train": 0.2},
    },
}


def risks(point, onset, train, evaluate, split=None, convert=None):
    read = (from_json(Judged, point, "point"), onset, from_json(Train, train, "train"))
    others = (from_json(Split, split or {}, "split"), from_json(Convert, convert or {}, "convert"))
    return rules.risks(*read, from_json(Evaluate, evaluate, "evaluate"), *others)


def changed(path, value):
    def copy(node, keys):
        return {**node, keys[0]: copy(node[keys[0]], keys[1:])} if keys else value

    return copy(EVALUATE, path.split("."))


def test_a_clean_run_has_no_risks_and_missing_figures_warn_of_nothing():
    assert risks(POINT, None, TRAIN, EVALUATE) == []
    assert risks({"iteration": 1}, None, {}, {}) == []


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("drift.valid_loss_high", 1.5, "188 validation rows"),
        ("drift", {"result": "worse", "difference": 0.25}, "0.25 above"),
        ("arms.fused.loss", 0.52, "test loss is 0.52, the adapter's 0.5"),
        ("diagnostics.memorisation.result", "more_on_training", "50% of training rows"),
        ("diagnostics.difficulty", {"result": "too_easy", "base_score_on_train": 0.97}, "0.97"),
        ("baselines_not_beaten", ["majority"], "majority"),
        ("comparisons.adapter_vs_linear.fields.csat.result", "worse", "csat"),
        ("leaks.leaked_rows", 7, "7 test rows"),
        ("arms.adapter.fields", {"csat": {"answered": 0.125}, "topic": {"answered": 0.9}}, "csat on 12.5%"),
    ],
)
def test_each_figure_out_of_place_is_one_risk(path, value, words):
    found = risks(POINT, None, TRAIN, changed(path, value))
    assert len(found) == 1
    assert words in found[0]


def test_the_curve_has_risks_of_its_own():
    found = risks({"iteration": 1200, "status": "elevated", "gap_pct": 35.4}, 1300, {"epochs": 9}, EVALUATE)
    assert [word in sentence for word, sentence in zip(("35.4 %", "1300", "9 times"), found, strict=True)] == [True] * 3


def test_rows_that_no_split_has_are_a_risk_with_their_reasons():
    dropped = {"repeated_conversation": 0, "group_in_other_split": 61, "beyond_train_size": 300}
    found = risks(POINT, None, TRAIN, EVALUATE, {"unused_share": 0.061, "dropped": dropped})
    assert found == ["6.1% of the rows are in no split (group_in_other_split 61): what is left may not stand for all"]
    assert risks(POINT, None, TRAIN, EVALUATE, {"unused_share": 0.05, "dropped": dropped}) == []


def test_rows_that_lost_turns_are_named_where_they_are_many() -> None:
    cut = {"train": {"rows": 100, "truncated": 41}, "test": {"rows": 100, "truncated": 2}}
    found = risks(POINT, None, TRAIN, EVALUATE, None, cut)
    assert found == ["41% of the training rows lost their oldest turns: longer than max_seq_length"]
    assert risks(POINT, None, TRAIN, EVALUATE, None, {**cut, "train": cut["test"]}) == []


def test_a_word_for_word_answer_of_few_tokens_is_not_called_memorised() -> None:
    told = changed("diagnostics.memorisation.result", "more_on_training")
    long, short = ({**told, "arms": {"adapter": {"loss": 0.5, "output_tokens": count}}} for count in (60, 5))
    assert risks(POINT, None, TRAIN, long)[0].endswith("memorised")
    assert risks(POINT, None, TRAIN, short)[0].endswith("better known than others")


def test_a_gap_that_is_hard_to_read_in_per_cent_is_said_as_a_factor() -> None:
    point = {"iteration": 1200, "status": "wide", "gap_pct": 1326.5}
    assert risks(point, None, TRAIN, EVALUATE)[0] == "the validation loss is 14.3 times the training loss (wide)"
