"""General checks for unexpected mistakes: closeness to training, slices, label noise, shortcuts, a score that falls."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from plateau.core.figures import Estimate
from plateau.core.system import System
from plateau.data.fields import Field
from plateau.evaluation import closeness, label_noise, samples, scoring, shortcuts, slices, stats
from plateau.metrics import scrutiny as metrics
from plateau.metrics.compared import Compared
from plateau.prompts.vectors import tfidf

_NO_SLICES = ("id", "target", "start", "timestamp")
_CONVERSATION = "[CONVERSATION]"  # the heading of plateau.prompts.chat


@dataclass(frozen=True)
class Prompts:
    """The user messages of one split and its parsed targets; `columns` are the columns whose values may define slices."""

    texts: Sequence[str]
    targets: Sequence[Any]
    columns: Mapping[str, Sequence[Any]]


@dataclass(frozen=True)
class Scored:
    """The score of each generated row (NaN for none): of each arm on the test split, with the row numbers, and of the adapter on valid."""

    test: Mapping[str, NDArray[np.float64]]
    rows: NDArray[np.int64]
    valid: NDArray[np.float64]


@dataclass(frozen=True)
class Resampling:
    """Bootstrap: resamples, coverage, seed."""

    samples: int
    confidence: float
    seed: int


def read_prompts(system: System, name: str) -> Prompts:
    """Read the prompts of one split; its columns of texts and truth values may define slices."""
    table = pq.read_table(system.split(name))
    kept = [
        column.name
        for column in table.schema
        if (pa.types.is_boolean(column.type) or pa.types.is_string(column.type)) and column.name not in _NO_SLICES
    ]
    targets = [scoring.parse(target) for target in table["target"].to_pylist()]
    said = samples.prompts(system.path("data", "mlx", f"{name}.jsonl"))
    return Prompts(said, targets, {column: table[column].to_pylist() for column in kept})


def scrutinise(
    fields: Sequence[Field], prompts: Mapping[str, Prompts], scored: Scored, rivals: Sequence[str], how: Resampling
) -> metrics.Scrutiny:
    """Make all checks. `prompts` are by split; the gain on novel rows is measured against the arms `rivals`."""
    classes = [field for field in fields if field.classes]
    return metrics.Scrutiny(
        _closeness(prompts, scored, rivals, how),
        _slices(classes, prompts["test"], scored, how),
        _label_noise(classes, prompts, how),
        _shortcuts(classes, prompts["train"], how),
        _score_drop(scored, how),
    )


def _closeness(
    prompts: Mapping[str, Prompts], scored: Scored, rivals: Sequence[str], how: Resampling
) -> metrics.Closeness:
    tested = [conversation(prompts["test"].texts[row]) for row in scored.rows]
    found = closeness.closeness([conversation(text) for text in prompts["train"].texts], tested)
    place, adapter = closeness.bands(found.similarity), scored.test["adapter"]
    bounds = [*closeness.BANDS, 1.0]
    bands = {
        f"{bounds[i]:g} to {bounds[i + 1]:g}": metrics.Band(int((place == i).sum()), _mean(adapter[place == i], how))
        for i in range(len(closeness.BANDS))
    }
    novel = closeness.far_half(found.similarity)
    gains = {name: _compared((adapter - scored.test[name])[novel], how) for name in rivals if name in scored.test}
    equal = float(found.equal.mean()) if len(tested) else 0.0
    median = float(np.median(found.similarity)) if len(tested) else None
    return metrics.Closeness(equal, median, bands, int(novel.sum()), _mean(adapter[novel], how), gains)


def _slices(classes: Sequence[Field], prompts: Prompts, scored: Scored, how: Resampling) -> list[metrics.SliceFigures]:
    rows = scored.rows.tolist()
    texts = [conversation(prompts.texts[row]) for row in rows]
    columns: dict[str, Sequence[Any]] = {
        name: [values[row] for row in rows] for name, values in prompts.columns.items()
    }
    columns |= {field.name: [field.class_of(prompts.targets[row]) for row in rows] for field in classes}
    columns["length"] = slices.quartiles([len(text.split()) for text in texts])
    return slices.find(scored.test["adapter"], columns, texts, how.samples, how.confidence, how.seed)


def _label_noise(
    classes: Sequence[Field], prompts: Mapping[str, Prompts], how: Resampling
) -> dict[str, metrics.LabelNoise]:
    looked = {name: samples.evenly_spaced(len(split.texts), label_noise.MOST_ROWS) for name, split in prompts.items()}
    texts = {name: [prompts[name].texts[row] for row in rows] for name, rows in looked.items()}
    if not any(texts["train"]):
        return {}
    vectorizer = tfidf(longest=2).fit(texts["train"])
    vectors = {name: vectorizer.transform(said) for name, said in texts.items()}
    found = {}
    for field in classes:
        labels = {name: [field.class_of(prompts[name].targets[row]) for row in rows] for name, rows in looked.items()}
        found[field.name] = _noise_of(label_noise.judge(vectors, labels), how.confidence)
    return found


def _noise_of(judged: Mapping[str, label_noise.Judged], confidence: float) -> metrics.LabelNoise:
    estimates = {name: label_noise.estimate(one, confidence) for name, one in judged.items()}
    told = [name for name, one in estimates.items() if one.rate.value is not None]
    p_values = [
        label_noise.differs(judged["train"], judged[name]) for name in told if name != "train" and "train" in told
    ]
    test = estimates["test"].rate.value
    return metrics.LabelNoise(
        estimates,
        None if test is None else 1 - test,
        min(p_values, default=None),
    )


def _shortcuts(classes: Sequence[Field], train: Prompts, how: Resampling) -> dict[str, metrics.ShortcutFigures]:
    said = [conversation(text) for text in train.texts]
    contexts = [text.partition(_CONVERSATION)[0] if _CONVERSATION in text else "" for text in train.texts]
    found = {
        field.name: shortcuts.shortcut(
            [field.class_of(target) for target in train.targets], contexts, said, how.confidence
        )
        for field in classes
    }
    return {name: one for name, one in found.items() if one}


def _score_drop(scored: Scored, how: Resampling) -> Estimate:
    """The mean score on validation minus that on test, resampled independently; None without generated validation rows."""
    valid, test = (part[np.isfinite(part)] for part in (scored.valid, scored.test["adapter"]))
    if not len(valid) or not len(test):
        return Estimate(None)
    draws = [stats.bootstrap(stats.mean_of(part), len(part), how.samples, how.seed) for part in (valid, test)]
    return Estimate(float(valid.mean() - test.mean()), *stats.interval(draws[0] - draws[1], how.confidence))


def conversation(text: str) -> str:
    """The conversation in a prompt, without its context block; the whole prompt where it has no such heading."""
    return text.partition(_CONVERSATION)[2] or text


def _mean(values: NDArray[np.float64], how: Resampling) -> Estimate:
    known = values[np.isfinite(values)]
    return stats.estimate(stats.mean_of(known), len(known), how.samples, how.confidence, how.seed)


def _compared(difference: NDArray[np.float64], how: Resampling) -> Compared:
    known = difference[np.isfinite(difference)]
    return stats.compare(known, True, how.samples, how.confidence, how.seed)
