"""The report of a system, composed from its metrics files and predictions: no figure in it is typed by hand."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from plateau.core.figures import Estimate, to_json, value_of
from plateau.decision.criteria import Criterion
from plateau.decision.overfit import NONE
from plateau.evaluation.scoring import Rules, Scored
from plateau.metrics.files import Files
from plateau.metrics.gates import Gates, Row
from plateau.metrics.headline import Headline
from plateau.report import charts, checks, evidence, findings, health, opponents
from plateau.report.evidence import Evidence, shown
from plateau.report.page import ANSWERS, Chart, Charts, Commands, Page, Part, Prose, Section, Table
from plateau.report.text import figure, flat, plain, spaced

Figures = Mapping[str, Any]
VERDICTS = {"insufficient_evidence": "Training cannot be judged"}
DATA = ("prepare", "temporal", "split", "convert")


def gate_table(rows: Sequence[Row]) -> str:
    """The gates as text lines for a terminal, one row a criterion."""
    head = ("status", "criterion", "target", "actual", "gap")
    table: list[tuple[str, ...]] = [
        head,
        *((row.status, row.criterion, target(row), figure(row.actual), figure(row.gap)) for row in rows),
    ]
    if any(row.note for row in rows):
        notes = ["note", *(plain(row.note or "") for row in rows)]
        table = [(*cells, note) for cells, note in zip(table, notes, strict=True)]
    widths = [max(len(row[column]) for row in table) for column in range(len(table[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in table
    )


def waivers(judged: Gates) -> list[str]:
    """A line for each waiver: what it lets pass and why, or that it changes nothing."""
    used = [f"waived: {name}: {plain(reason)}" for name, reason in judged.waived.items()]
    return used + [f"waiver not needed: {name} passes, or is not asked" for name in judged.needless_waivers]


def target(row: Row) -> str:
    """What a gate asks for: `>= 0.99`, `== healthy`."""
    return f"{row.rule} {figure(row.target)}"


def headline(run: Files) -> Headline:
    """The figures that decide, for `dvc metrics show` and the first screen: None where one is missing."""
    adapter, base, linear = (run.evaluate.arm(name) for name in ("adapter", "base", "linear"))
    return Headline(
        answer=run.gates.answer,
        verdict=run.overfit.verdict,
        iteration=run.selection.iteration,
        val_loss=run.selection.val_loss,
        test_loss=value_of(adapter.loss),
        perplexity=adapter.perplexity,
        schema_valid=value_of(adapter.schema_valid),
        score=value_of(adapter.score),
        base_score=value_of(base.score),
        linear_score=value_of(linear.score),
    )


def compose(run: Files, params: Figures, system: str, found: Evidence) -> Page:
    """The report from the metrics files, params.yaml and what is not in metrics."""
    gates, overfit = run.gates, run.overfit
    rows, scored = scored_rows(run, params, found)
    return Page(
        title=params["report"]["title"],
        answer=gates.answer,
        headline=ANSWERS[gates.answer],
        lines=[
            ("Why", gates.reason),
            (VERDICTS.get(overfit.verdict, f"Training is {overfit.verdict}"), overfit.reason),
            ("What to change", _change(gates, overfit.suggestion)),
            *_beside(gates),
        ],
        warnings=overfit.risks,
        tiles=list(_tiles(run)),
        table=_gates(gates.rows),
        sections=[
            Section("Training", list(_training(run))),
            Section("Checkpoints", list(_checkpoints(run))),
            *([Section("Criteria", made)] if (made := list(_criteria(params))) else []),
            Section("Scores on the test split", list(evidence.scores(run.evaluate, found, scored))),
            *(
                [Section("Opponents", made)]
                if (made := list(opponents.parts(run.evaluate, params["gates"]["min_gain"])))
                else []
            ),
            *(
                [Section("Checks for mistakes that nobody listed", made)]
                if (made := list(checks.parts(run.evaluate)))
                else []
            ),
            Section("Data", list(_data(run, params, found))),
            Section("Speed and cost", list(_costs(run))),
            Section("Examples", list(evidence.examples(rows, scored, found))),
            Section("How to make it again", list(_again(params, system, found))),
            Section("All figures", [_all(run)]),
        ],
    )


def scored_rows(run: Files, params: Figures, found: Evidence) -> tuple[list[findings.Row], list[Scored]]:
    """The test rows that the adapter was asked about, and the scores of its answers field by field."""
    rows = findings.generated(found.predictions, "adapter")
    rules = Rules(run.evaluate.scales, params["evaluate"]["scores"])
    return rows, findings.scored(findings.parsed(rows), found.schema, rules)


def _change(gates: Gates, suggestion: str) -> str:
    """What to change in training; where nothing there is at fault, the gates say what is."""
    if gates.ships or not suggestion.startswith(NONE):
        return suggestion
    failed = ", ".join(spaced(row.criterion) for row in gates.rows if row.status in ("fail", "missing"))
    return (
        f"nothing in training{suggestion.removeprefix(NONE)}; what does not pass: {failed or 'no gate was evaluated'}"
    )


def _beside(gates: Gates) -> Iterator[tuple[str, str]]:
    """What a person must know beside the answer: waivers, and the opponents that were not run."""
    if gates.waived:
        yield "Waived", "; ".join(f"{spaced(name)}: {reason}" for name, reason in gates.waived.items())
    if gates.needless_waivers:
        yield "Waivers that change nothing", ", ".join(map(spaced, gates.needless_waivers))
    if gates.not_run:
        yield "Opponents not run", ", ".join(map(spaced, gates.not_run))


def _criteria(params: Figures) -> Iterator[Part]:
    """The gates that the system has of its own: what they judge, and why."""
    listed = [Criterion.of(entry) for entry in params["gates"]["criteria"]]
    head = ["criterion", "figure", "end of its interval", "asks for", "keeps from shipping"]
    rows = [
        (
            spaced(one.name),
            f"{one.figure} of metrics/{one.file}.json",
            one.bound or "unfavourable",
            f"{one.rule} {figure(one.target)}",
            one.why,
        )
        for one in listed
    ]
    if rows:
        yield Table("Gates of this system's own", head, rows)


def _tiles(run: Files) -> Iterator[tuple[str, Any]]:
    top, adapter = headline(run), run.evaluate.arm("adapter")
    yield "checkpoint", f"iteration {figure(top.iteration)}"
    yield "score, 0 to 1", adapter.score or Estimate(None)
    yield "score of the base", top.base_score
    yield "score of a linear model", top.linear_score
    yield "schema-valid outputs", top.schema_valid
    yield "invented values", adapter.invented_keys
    yield "test loss, nats a token", top.test_loss
    yield "test perplexity", top.perplexity
    yield "test rows", run.evaluate.rows


def _gates(rows: Sequence[Row]) -> Table:
    head = ["status", "criterion", "target", "actual", "gap"]
    cells = [[row.status, spaced(row.criterion), target(row), row.actual, row.gap] for row in rows]
    if any(row.note for row in rows):
        head, cells = [*head, "note"], [[*cell, row.note or ""] for cell, row in zip(cells, rows, strict=True)]
    return Table("Gates", head, cells, [row.status for row in rows])


def curve(run: Files) -> list[dict[str, Any]]:
    """Every evaluation point with its gap, its status and what it is: base, best, selected, onset, last."""
    train, overfit = run.train, run.overfit
    judged = {row.iteration: row for row in overfit.timeline}
    names = {
        "base": 0,
        "best": train.best_iteration,
        "selected": run.selection.iteration,
        "onset of overfitting": overfit.onset,
        "stop": train.iterations,
    }
    return [
        {
            **to_json(point),
            "gap_pct": judged[point.iteration].gap_pct,
            "status": judged[point.iteration].status,
            "notes": [name for name, iteration in names.items() if iteration == point.iteration],
        }
        for point in run.evaluations
    ]


def _training(run: Files) -> Iterator[Part]:
    points, train = curve(run), run.train
    yield Prose(
        f"{train.stop_summary}. Losses in nats a supervised token; the training loss is that of a fixed sample of the "
        "training split, as large as the validation split. Gap: (validation - training) / training."
    )
    marks = [
        {"iteration": row["iteration"], "label": ", ".join(row["notes"])}
        for row in points
        if row["notes"] and row["iteration"]
    ]
    judged = [row for row in points if row["gap_pct"] is not None and row["status"]]
    yield Charts(
        [
            Chart("Training and validation loss by update.", charts.loss_curve(points, marks)),
            Chart("Gap between validation and training loss at each evaluation point.", charts.gaps(judged)),
        ]
    )
    keys = {
        "iteration": "iteration",
        "epoch": "epoch",
        "trained tokens": "trained_tokens",
        "learning rate": "lr",
        "training loss": "train_loss",
        "validation loss": "val_loss",
        "perplexity": "val_perplexity",
        "gap %": "gap_pct",
    }
    rows = [
        (*(point[key] for key in keys.values()), spaced(point["status"] or "-"), ", ".join(point["notes"]))
        for point in points
    ]
    marked = ["chosen" if "selected" in point["notes"] else "" for point in points]
    yield Table("Evaluation points", [*keys, "status", "note"], rows, marked)


def sha256(run: Files) -> str:
    """The hash of the selected checkpoint's weights."""
    chosen = run.selection.iteration
    return str(next(point.sha256 for point in run.evaluations if point.iteration == chosen))


def _checkpoints(run: Files) -> Iterator[Part]:
    selection = run.selection
    yield Prose(f"Policy {selection.policy}: {selection.reason}. SHA-256 of its weights: {sha256(run)}")
    rows = [(row.iteration, row.val_loss, row.train_loss, row.reason) for row in selection.candidates]
    marks = ["chosen" if row.chosen else "" for row in selection.candidates]
    yield Table("Candidates", ["iteration", "validation loss", "training loss", "why (not)"], rows, marks)


def _data(run: Files, params: Figures, found: Evidence) -> Iterator[Part]:
    split = run.split
    truncated = {"train": run.convert.train, "valid": run.convert.valid, "test": run.convert.test}
    ends = {name: (split.earliest[name], split.latest[name]) for name in charts.SPLITS}
    spans = [
        {"split": name, "start": first[:10], "end": last[:10]} for name, (first, last) in ends.items() if first and last
    ]
    drawn = []
    if spans:
        drawn += [Chart("From the first to the last conversation of each split.", charts.timeline(spans))]
    else:
        yield Prose("No time: the records do not say when they began, so nothing is told of the splits' order in time.")
    if bands := findings.length_bands(found.lengths):
        longest = params["max_seq_length"]
        cut = ", ".join(f"{name} {figure(truncated[name].truncated)}" for name in charts.SPLITS)
        words = f"Tokens of each example, prompt and answer; cut to fit {longest:,} (dashed where near): {cut}."
        near = longest if longest < 2 * max(band["end"] for band in bands) else None
        spec = charts.histogram(bands, "tokens of an example", charts.SPLITS, near)
        drawn.append(Chart(words, spec, evidence.band_table("Rows by tokens", bands)))
    yield Charts(drawn)
    for name in DATA:
        yield from health.tables(name, getattr(run, name))


def _costs(run: Files) -> Iterator[Part]:
    train = to_json(run.train)
    keys = ("trained_tokens", "epochs", "trainable_parameters", "trainable_share", "padding_waste", "skipped_steps")
    yield Table("What training took", ["figure", "value"], [(spaced(key), train.get(key)) for key in keys])
    rows = [
        (spaced(name), arm.input_tokens, arm.output_tokens, arm.cost_per_1000)
        for name, arm in run.evaluate.arms.items()
        if arm.output_tokens is not None or arm.cost_per_1000 is not None
    ]
    yield Table(
        "What an answer takes",
        ["arm", "tokens of a prompt, mean", "tokens of an output, mean", "cost of 1,000 calls"],
        rows,
    )
    words = "The cost needs evaluate.price_input and evaluate.price_output. Timings differ from run to run, so they stand apart, and the same run gives the same page:"
    yield Prose(words, [("speed.html", "speed.html, of the last run on this machine")])


def timings(speed: Figures, title: str) -> Page:
    """The page of metrics/speed.json."""
    rows = [(*key.split("."), value) for key, value in flat(speed)]
    table = Table("Timings by stage", ["stage", "figure", "value"], [(a, spaced(b), value) for a, b, value in rows])
    return Page(
        f"{title}: speed", "", "Speed of the last run on this machine", [], [], [], None, [Section("Timings", [table])]
    )


def _again(params: Figures, system: str, found: Evidence) -> Iterator[Part]:
    yield Prose("From the commit that holds dvc.lock and these metrics:")
    yield Commands(commands(system))
    yield Table("SHA-256 of files", ["file", "SHA-256"], list(found.hashes.items()))
    yield Table("params.yaml", ["param", "value"], [(key, shown(value)) for key, value in flat(params)])


def commands(system: str) -> list[str]:
    """What makes the report again, from the commit that holds its metrics."""
    if system == ".":
        return ["make repro", "make gate"]
    return ["make setup", f". .venv/bin/activate && dvc repro {system}/dvc.yaml", f"python -m stages.gate {system}"]


def _all(run: Files) -> Table:
    files = {name: found for name, found in vars(run).items() if not isinstance(found, Sequence)}
    rows = [row for name, found in files.items() for row in health.described(name, found)]
    return Table(f"{len(rows):,} figures of metrics/", ["figure", "value", "meaning"], rows, folded=True)
