"""Every figure of evaluate.json again, from predictions.parquet alone and with code that shares nothing with Plateau's; losses by mlx-lm."""

import json
import math
import shutil
import warnings
from collections import Counter
from collections.abc import Callable
from typing import Any

import jsonschema
import numpy as np
import pyarrow.parquet as pq
import pytest
import tiny_task
from scipy import stats
from sklearn.metrics import accuracy_score, f1_score, mean_absolute_error

from plateau.core.files import read_json, write_jsonl
from plateau.core.system import System
from plateau.evaluation import general_text
from plateau.evaluation.arms import NAMES, PAIRS, entry
from plateau.lm.backend import mx
from plateau.prompts.tokens import open_tokens

SAMPLES, CONFIDENCE = 200, 0.95
MOODS, LOW, HIGH = ["calm", "angry"], 1, 3
Rows = list[dict[str, Any]]


@pytest.fixture(scope="module")
def found(trained: System) -> dict[str, Any]:
    return read_json(trained.metrics("evaluate"))


@pytest.fixture(scope="module")
def table(trained: System) -> Rows:
    return pq.read_table(trained.path("data", "predictions.parquet")).to_pylist()


def of(table: Rows, arm: str) -> Rows:
    """Greedy rows of an arm, such as adapter_constrained; `arm@split` for those of another split than the test."""
    name, _, split = arm.partition("@")
    model = name.removesuffix("_constrained")
    wanted = (model, model != name, split or "test", 0)
    return [row for row in table if tuple(row[key] for key in ("arm", "constrained", "split", "sample")) == wanted]


def written(table: Rows, arm: str) -> Rows:
    return [row for row in of(table, arm) if row["output"] is not None]


def parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def wrapped(text: str) -> Any:
    """The object in an answer: all of it, or between the first brace and the one that closes it."""
    if parsed(text) is not None:
        return parsed(text)
    ends = [i + 1 for i, letter in enumerate(text) if letter == "}"]
    starts = [i for i, letter in enumerate(text) if letter == "{"]
    found = (parsed(text[start:end]) for start in starts for end in ends if end > start)
    return next((value for value in found if value is not None), None)


def answer(row: dict[str, Any], key: str) -> Any:
    """What an output says of a field; None where that is nothing that the schema allows there."""
    value = wrapped(row["output"])
    value = value.get(key) if isinstance(value, dict) else None
    if key == "mood":
        return value if value in MOODS else None
    numeric = isinstance(value, int | float) and not isinstance(value, bool)
    return value if numeric and LOW <= value <= HIGH else None


def truth(row: dict[str, Any], key: str) -> Any:
    return json.loads(row["gold"])[key]


def points(rows: Rows, key: str) -> np.ndarray:
    if key == "mood":
        return np.array([float(answer(row, key) == truth(row, key)) for row in rows])
    counts = [(answer(row, key), truth(row, key)) for row in rows]
    return np.array([0.0 if guess is None else 1 - abs(guess - gold) / (HIGH - LOW) for guess, gold in counts])


def score(rows: Rows) -> np.ndarray:
    return (points(rows, "mood") + points(rows, "count")) / 2


def interval(statistic: Callable[[np.ndarray], float], rows: int) -> list[float]:
    """A statistic of indices, and its bootstrap interval: percentiles of 200 resamples from the documented seed."""
    draws = np.random.default_rng([0, rows]).integers(rows, size=(SAMPLES, rows))
    values = np.array([statistic(draw) for draw in draws])
    values = values[np.isfinite(values)]
    sides = np.quantile(values, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2]) if len(values) else [math.nan] * 2
    return [statistic(np.arange(rows)), *sides]


def holds(figures: dict[str, Any], name: str, statistic: Callable[[np.ndarray], float], rows: int) -> set[str]:
    """Assert a figure and both bounds; their names."""
    for key, value in zip((name, f"{name}_low", f"{name}_high"), interval(statistic, rows), strict=True):
        same(figures[key], value)
    return {name, f"{name}_low", f"{name}_high"}


def nothing(figures: dict[str, Any], name: str) -> set[str]:
    """Assert that a figure and both bounds are unknown; their names."""
    names = {name, f"{name}_low", f"{name}_high"}
    assert {figures[key] for key in names} == {None}
    return names


def same(recorded: float | None, value: float) -> None:
    assert (math.nan if recorded is None else recorded) == pytest.approx(value, rel=2e-5, abs=1e-9, nan_ok=True)


@pytest.mark.parametrize("arm", ["base", "adapter", "fused"])
def test_losses(found, table, arm):
    figures, rows = found["arms"][arm], of(table, arm)
    sums, tokens = (np.array([row[key] for row in rows], float) for key in ("loss_sum", "tokens"))
    holds(figures, "loss", lambda i: sums[i].sum() / tokens[i].sum(), len(rows))
    each = np.exp(sums / tokens)
    same(figures["perplexity"], math.exp(sums.sum() / tokens.sum()))
    for name, value in (("mean", each.mean()), ("median", np.median(each)), ("sd", each.std(ddof=1)), ("min", each.min()), ("max", each.max())):  # fmt: skip
        same(figures[f"example_perplexity_{name}"], value)
    base, adapter = (sum(row["loss_sum"] for row in of(table, name)) for name in ("base", "adapter"))
    same(found["loss_reduction"], 1 - adapter / base)


@pytest.mark.parametrize("arm", NAMES)
def test_outputs_and_scores(found, table, arm):
    figures, rows = found["arms"][arm], written(table, arm)
    known = {key for key in figures if key.startswith(("loss", "perplexity", "example_"))} | {"fields"}
    known |= holds(figures, "score", lambda i: score(rows)[i].mean(), len(rows))
    if arm not in ("majority", "linear"):
        validator = jsonschema.Draft202012Validator(tiny_task.SCHEMA)
        valid = np.array([validator.is_valid(parsed(row["output"])) for row in rows], float)
        is_json = np.array([parsed(row["output"]) is not None for row in rows], float)
        known |= holds(figures, "schema_valid", lambda i: valid[i].mean(), len(rows))
        known |= holds(figures, "json_valid", lambda i: is_json[i].mean(), len(rows))
        read = [wrapped(row["output"]) for row in rows]
        found_json, found_valid = (
            np.array([hold(value) for value in read], float) for hold in (lambda v: v is not None, validator.is_valid)
        )
        known |= holds(figures, "json_found", lambda i: found_json[i].mean(), len(rows))
        known |= holds(figures, "schema_found", lambda i: found_valid[i].mean(), len(rows))
        given = [set(value) if isinstance(value, dict) else set() for value in read]
        same(figures["missing_keys"], sum(len({"mood", "count"} - keys) for keys in given) / (2 * len(rows)))
        same(figures["invented_keys"], sum(len(k - {"mood", "count"}) for k in given) / max(1, sum(map(len, given))))
        same(figures["input_tokens"], np.mean([row["prompt_tokens"] for row in rows]))
        same(figures["output_tokens"], np.mean([row["output_tokens"] for row in rows]))
        same(figures["unfinished"], np.mean([not row["ended"] for row in rows]))
        known |= {"missing_keys", "invented_keys", "input_tokens", "output_tokens", "unfinished"}
    assert known == set(figures)
    fields_hold(figures["fields"], rows)


def fields_hold(figures: dict[str, Any], rows: Rows) -> None:
    gold, guess = [truth(row, "mood") for row in rows], [answer(row, "mood") or "none" for row in rows]
    gold, guess = np.array(gold), np.array(guess)
    both = [(truth(row, "count"), count) for row in rows if (count := answer(row, "count")) is not None]
    counts, guessed = np.array(both, float).reshape(-1, 2).T

    def macro_f1(i: np.ndarray) -> float:
        names = sorted({*gold[i], *guess[i]} & set(MOODS))
        return f1_score(gold[i], guess[i], labels=names, average="macro", zero_division=0)

    def spearman(i: np.ndarray) -> float:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", stats.ConstantInputWarning)
            return stats.spearmanr(counts[i], guessed[i]).statistic

    statistics = {
        "mood": {"accuracy": lambda i: accuracy_score(gold[i], guess[i]), "macro_f1": macro_f1},
        "count": {"mae": lambda i: mean_absolute_error(counts[i], guessed[i]), "spearman": spearman},
    }
    for field, named in statistics.items():
        known = {"kind", "rows", "present", "answered"}
        assert figures[field]["present"] == len(rows)
        same(figures[field]["answered"], np.mean([answer(row, field) is not None for row in rows]))
        assert figures[field]["rows"] == len(rows)
        values = points(rows, field)
        for name, statistic in {"score": lambda i, v=values: v[i].mean(), **named}.items():
            among = len(both) if name in ("mae", "spearman") else len(rows)
            known |= holds(figures[field], name, statistic, among) if among else nothing(figures[field], name)
        known |= {"by_class"} if field == "mood" else set()
        assert known == set(figures[field])
    classes_hold(figures["mood"]["by_class"], gold, guess)


def classes_hold(figures: dict[str, Any], gold: np.ndarray, guess: np.ndarray) -> None:
    """Share of right answers to a class, and of other rows answered with it, with Wilson's intervals by their formula."""
    assert set(figures) == set(gold)
    for name, one in figures.items():
        for flags, told, key in (
            (guess[gold == name] == name, one, "recall"),
            (guess[gold != name] == name, one["false_positives"], "rate"),
        ):
            assert told["rows"] == len(flags)
            z, n, share = stats.norm.ppf(0.975), len(flags), flags.mean()
            middle, half = share + z**2 / (2 * n), z * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
            bounds = ((middle - half) / (1 + z**2 / n), (middle + half) / (1 + z**2 / n))
            assert (told[key], told[f"{key}_low"], told[f"{key}_high"]) == pytest.approx((share, *bounds), abs=1e-5)


@pytest.mark.parametrize("arms", [f"{one}_vs_{other}" for one, other in PAIRS])
def test_comparisons(found, table, arms):
    one, other = arms.split("_vs_")
    figures, pair = found["comparisons"][arms], (written(table, one), written(table, other))
    compared(figures["score"], score(pair[0]) - score(pair[1]), True)
    for field in ("mood", "count"):
        compared(figures["fields"][field], points(pair[0], field) - points(pair[1], field), True)
    same(figures["same_output"], np.mean([a["output"] == b["output"] for a, b in zip(*pair, strict=True)]))
    if other in ("base", "adapter") and not entry(one).constrained:
        losses = [np.array([row["loss_sum"] for row in of(table, name)]) for name in (one, other)]
        tokens = np.array([row["tokens"] for row in of(table, one)], float)
        compared(figures["loss"], losses[0] - losses[1], False, tokens)
    worse = [one["result"] == "worse" for one in found["comparisons"]["adapter_vs_base"]["fields"].values()]
    assert found["fields_worse_than_base"] == sum(worse)


def test_answers_of_a_file(trained, table, tmp_path):
    """Every second generated row, in prose; every third answer is that to another row."""
    system = System(shutil.copytree(trained.root, tmp_path / "copy"))
    asked = written(table, "adapter")[::2]
    golds = [asked[i - (i % 3 == 0)]["gold"] for i in range(len(asked))]
    lines = [
        {"id": row["id"], "output": f"It is {gold}.", "latency_seconds": 1 / (i + 1), "cost": i / 7}
        for i, (row, gold) in enumerate(zip(asked, golds, strict=True))
    ]
    write_jsonl(system.path("data", "external", "api.jsonl"), lines[::-1])
    tiny_task.run(system, "external", "evaluate")
    found = read_json(system.metrics("evaluate"))
    figures, pairs = found["arms"]["external_api"], found["comparisons"]["adapter_vs_external_api"]
    rows = of(pq.read_table(system.path("data", "predictions.parquet")).to_pylist(), "external_api")
    assert [(row["id"], row["gold"]) for row in rows] == [(row["id"], row["gold"]) for row in asked]
    assert [row["output"] for row in rows] == [line["output"] for line in lines]
    holds(figures, "score", lambda i: score(rows)[i].mean(), len(rows))
    fields_hold(figures["fields"], rows)
    compared(pairs["score"], score(asked) - score(rows), True)
    for field in ("mood", "count"):
        compared(pairs["fields"][field], points(asked, field) - points(rows, field), True)
    assert (figures["rows"], figures["json_found"], figures["json_valid"]) == (len(asked), 1.0, 0.0)
    same(figures["cost_per_1000"], 1000 * np.mean([line["cost"] for line in lines]))
    seconds = sorted(line["latency_seconds"] for line in lines)
    for share in (50, 95):
        same(figures[f"latency_p{share}_seconds"], seconds[math.ceil(share / 100 * len(seconds)) - 1])


def compared(figures: dict[str, Any], difference: np.ndarray, up: bool, weights: np.ndarray | None = None) -> None:
    """Assert a paired comparison: difference, interval, p-value, words and the rows that would be needed."""
    rows = len(difference)
    weights = np.ones(rows) if weights is None else weights
    value, low, high = interval(lambda i: difference[i].sum() / weights[i].sum(), rows)
    moved = difference[difference != 0]
    if not len(moved):
        p_value = 1.0
    elif set(np.abs(moved)) == {1.0}:
        p_value = stats.binomtest(int((moved > 0).sum()), len(moved)).pvalue
    else:
        p_value = stats.wilcoxon(moved).pvalue
    for key, expected in (("difference", value), ("low", low), ("high", high), ("p_value", p_value)):
        same(figures[key], expected)
    told = not low <= 0 <= high and p_value < 1 - CONFIDENCE
    word = "better" if (value > 0) == up else "worse"
    assert (figures["rows"], figures["result"]) == (rows, word if told else "not_told_apart")
    if value:
        z = stats.norm.ppf(0.975) + stats.norm.ppf(0.8)
        needed = math.ceil((z * difference.std(ddof=1) / difference.mean()) ** 2)
        assert figures["required_rows"] == max(2, needed)
    else:
        assert figures["required_rows"] is None


def test_drift_and_diagnostics(trained, found, table):
    recorded = pq.read_table(trained.path("adapters", "val_losses.parquet")).to_pylist()
    chosen = read_json(trained.metrics("selection"))["iteration"]
    valid = [row for row in recorded if row["iteration"] == chosen]
    assert len(of(table, "adapter@probe")) == len(valid)
    point = next(p for p in read_json(trained.metrics("evaluations")) if p["iteration"] == chosen)
    assert found["drift"]["train_loss"] == pytest.approx(point["train_loss"], rel=1e-5)
    for name, rows in (("train", of(table, "adapter@probe")), ("valid", valid), ("test", of(table, "adapter"))):
        loss = sum(row["loss_sum"] for row in rows) / sum(row["tokens"] for row in rows)
        same(found["drift"][f"{name}_loss"], loss)
    same(found["drift"]["difference"], found["drift"]["test_loss"] - found["drift"]["valid_loss"])
    told = found["diagnostics"]
    hits = [[r["output"].strip() == r["gold"] for r in of(table, f"adapter@{name}")] for name in ("train", "valid")]
    same(told["memorisation"]["train_verbatim"], np.mean(hits[0]))
    same(told["memorisation"]["valid_verbatim"], np.mean(hits[1]))
    counts = [[sum(hit), len(hit) - sum(hit)] for hit in hits]
    same(told["memorisation"]["p_value"], stats.fisher_exact(counts, alternative="greater").pvalue)
    same(told["difficulty"]["base_score_on_train"], score(of(table, "base@train")).mean())
    drawn: dict[str, list[str]] = {}
    for row in table:
        if row["sample"]:
            drawn.setdefault(row["id"], []).append(row["output"])
    agreement = [Counter(outputs).most_common(1)[0][1] / len(outputs) for outputs in drawn.values()]
    same(told["stability"]["same_output"], np.mean(agreement))


@pytest.mark.parametrize("arm", ["base", "adapter"])
def test_every_loss_is_that_of_stock_mlx_lm(trained, found, table, arm):
    from mlx_lm import load
    from mlx_lm.tuner.trainer import default_loss

    best = str(trained.path("adapters", "best")) if arm == "adapter" else None
    model, tokenizer, *_ = load(str(trained.path("models", "base")), adapter_path=best)
    tokens = open_tokens(trained.tokens("test"))
    for number, row in enumerate(of(table, arm)):
        ids, start = tokens.ids(number), int(tokens.completion_start[number])
        loss, count = default_loss(model, mx.array(np.array(ids)[None]), mx.array([[start, len(ids) - 1]]))
        assert row["tokens"] == count.item()
        assert row["loss_sum"] == pytest.approx(loss.item() * count.item(), rel=1e-4)
    sums = []
    for sentence in general_text.SENTENCES:
        ids = tokenizer.encode(sentence)
        loss, count = default_loss(model, mx.array([ids]), mx.array([[1, len(ids) - 1]]))
        sums.append((loss.item() * count.item(), count.item()))
    whole = sum(loss for loss, _ in sums) / sum(count for _, count in sums)
    assert found["diagnostics"]["forgetting"][f"{arm}_loss"] == pytest.approx(whole, rel=1e-4)
