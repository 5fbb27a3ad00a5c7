"""Is the model wrong for some rows more than for others? Scores of slices, given and discovered, each against the rest.

Given slices are the values of columns. Discovered ones are the leaves of a shallow decision tree over words and columns that is
fitted to the errors of one half of the rows; they are tested on the other half. The false discovery rate over all slices is
controlled (Benjamini and Hochberg 1995).
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plateau.core.figures import Estimate
from plateau.core.numbers import significant
from plateau.evaluation import stats
from plateau.metrics.scrutiny import SliceFigures

LEAST_ROWS = 20  # a slice, and the other rows, must each have at least this many rows to be tested
_MOST_VALUES = 40  # a column with more values defines no slices
_LEAVES, _DEPTH, _WORDS = 6, 3, 300


def find(
    score: NDArray[np.float64],
    columns: Mapping[str, Sequence[Any]],
    texts: Sequence[str],
    samples: int,
    confidence: float,
    seed: int,
) -> list[SliceFigures]:
    """All slices that are large enough, the worst difference first.

    `score` [n] is each row's, between 0 and 1; rows without one (NaN) are left out. `columns` hold a value a row, None for none.
    """
    known = np.flatnonzero(np.isfinite(score)).astype(np.int64)
    kept, said = columns_of(columns, known), [texts[i] for i in known.tolist()]
    masks = {
        f"{name} = {value}": (mask, False) for name, values in kept.items() for value, mask in _groups(values).items()
    }
    half = np.arange(len(known)) % 2 == 1
    for name, mask in discovered(score[known], kept, said, half).items():
        masks.setdefault(name, (mask & half, True))  # a rule that only repeats a column's value discovers nothing
    found = [
        _slice(
            name,
            score[known],
            mask,
            half if late else np.ones(len(known), dtype=np.bool_),
            late,
            (samples, confidence, seed),
        )
        for name, (mask, late) in masks.items()
    ]
    return _adjusted([one for one in found if one])


def columns_of(columns: Mapping[str, Sequence[Any]], rows: NDArray[np.int64]) -> dict[str, list[Any]]:
    """The values of the columns at some rows."""
    return {name: [values[i] for i in rows.tolist()] for name, values in columns.items()}


def quartiles(values: Sequence[float]) -> list[str]:
    """Each value's quartile as text: `1 (shortest)` to `4 (longest)`."""
    names = ("1 (shortest)", "2", "3", "4 (longest)")
    cuts = np.quantile(np.asarray(values, dtype=np.float64), (0.25, 0.5, 0.75)) if len(values) else np.zeros(3)
    return [names[int(place)] for place in np.searchsorted(cuts, values, side="left")]


def discovered(
    score: NDArray[np.float64], columns: Mapping[str, Sequence[Any]], texts: Sequence[str], tested: NDArray[np.bool_]
) -> dict[str, NDArray[np.bool_]]:
    """Groups in which errors gather, by the rule that makes them; found on the rows that are not `tested`, masks over all rows."""
    learnt = np.flatnonzero(~tested)
    if len(learnt) < 4 * LEAST_ROWS or not (score[learnt] < score[learnt].max()).any():
        return {}
    from sklearn.tree import DecisionTreeRegressor

    table, names = _features(columns, texts, learnt)
    if not names:
        return {}
    tree = DecisionTreeRegressor(max_depth=_DEPTH, max_leaf_nodes=_LEAVES, min_samples_leaf=LEAST_ROWS, random_state=0)
    tree.fit(table[learnt], score[learnt])
    leaves, whole = tree.apply(table), float(score[learnt].mean())
    rules = _rules(tree.tree_, names)
    return {
        rules[leaf]: leaves == leaf
        for leaf in sorted(set(leaves[learnt].tolist()))
        if rules[leaf] and float(score[learnt][leaves[learnt] == leaf].mean()) < whole
    }


def _groups(values: Sequence[Any]) -> dict[str, NDArray[np.bool_]]:
    """The rows of each value of a column; nothing where there are too many values to be groups."""
    shown = np.array([None if value is None else str(value) for value in values], dtype=object)
    names = sorted({name for name in shown if name is not None})
    return {name: shown == name for name in names} if 1 < len(names) <= _MOST_VALUES else {}


def _features(
    columns: Mapping[str, Sequence[Any]], texts: Sequence[str], learnt: NDArray[np.int64]
) -> tuple[Any, list[str]]:
    """0/1 columns [n, features] for words of the texts and values of the columns, and what each means."""
    from sklearn.feature_extraction.text import CountVectorizer

    tables, names = [], []
    for column, values in columns.items():
        for value, mask in _groups(values).items():
            tables.append(mask)
            names.append(f"{column} = {value}")
    words = CountVectorizer(binary=True, token_pattern=r"\w+", min_df=LEAST_ROWS, max_features=_WORDS)  # noqa: S106
    try:
        words.fit([texts[i] for i in learnt])
        counts = words.transform(texts).toarray().astype(np.bool_)
        tables += list(counts.T)
        names += [f"says '{word}'" for word in words.get_feature_names_out()]
    except ValueError:  # no word is frequent enough
        pass
    return (np.array(tables).T if tables else np.zeros((len(texts), 0))), names


def _rules(tree: Any, names: Sequence[str]) -> dict[int, str]:
    """The conditions that lead to each leaf, in words."""
    found: dict[int, str] = {}
    waiting: list[tuple[int, list[str]]] = [(0, [])]
    while waiting:
        node, path = waiting.pop()
        if tree.children_left[node] < 0:
            found[node] = " and ".join(path)
            continue
        name = names[tree.feature[node]]
        waiting.append((int(tree.children_left[node]), [*path, f"not ({name})"]))
        waiting.append((int(tree.children_right[node]), [*path, name]))
    return found


def _slice(
    name: str,
    score: NDArray[np.float64],
    mask: NDArray[np.bool_],
    counted: NDArray[np.bool_],
    late: bool,
    bootstrap: tuple[int, float, int],
) -> SliceFigures | None:
    """Compare a slice with the other rows that are counted; None where either side is too small."""
    from scipy.stats import mannwhitneyu

    inside, outside = score[mask & counted], score[~mask & counted]
    if min(len(inside), len(outside)) < LEAST_ROWS:
        return None
    samples, confidence, seed = bootstrap
    draws = [
        stats.bootstrap(stats.mean_of(part), len(part), samples, seed + i) for i, part in enumerate((inside, outside))
    ]
    low, high = stats.interval(draws[0] - draws[1], confidence)
    p_value = 1.0 if np.ptp(score[counted]) == 0 else float(mannwhitneyu(inside, outside).pvalue)
    means = float(inside.mean()), float(outside.mean())
    shown = [significant(value) or 0.0 for value in (*means, means[0] - means[1], low or 0.0, high or 0.0, p_value)]
    return SliceFigures(name, len(inside), shown[0], shown[1], Estimate(*shown[2:5]), shown[5], 1.0, late)


def _adjusted(found: Sequence[SliceFigures]) -> list[SliceFigures]:
    """The slices with adjusted p-values, the worst difference first."""
    from scipy.stats import false_discovery_control

    if not found:
        return []
    adjusted = false_discovery_control([one.p_value for one in found])
    named = [replace(one, q_value=significant(float(q)) or 0.0) for one, q in zip(found, adjusted, strict=True)]
    return sorted(named, key=lambda one: (one.difference.value or 0.0, one.name))
