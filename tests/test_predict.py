"""Answers for new records: those of the evaluation for equal records, one row a record, and none lost by a kill."""

import csv
import itertools
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
import tiny
import yaml
from hypothesis import given
from hypothesis import strategies as st

from plateau.core import params
from plateau.core.errors import BadInputError, GateFailedError, PlateauError
from plateau.core.files import read_json, write_json
from plateau.core.system import System
from plateau.data import context, engine, fields, parquet
from plateau.predict import admission, asking, items, load, predictor, run
from plateau.predict.columns import Columns, line
from plateau.predict.items import Shard
from plateau.predict.predictor import Prediction, Predictor
from plateau.prompts.examples import Renderer

LENGTHS = {
    **dict.fromkeys(("rows", "tokens", "supervised_tokens", "tokens_max", "completion_tokens_max"), 40),
    **dict.fromkeys(("tokens_mean", "tokens_p50", "tokens_p95"), 40.0),
    **dict.fromkeys(("truncated", "dropped_turns", "neutralised"), 0),
    "truncated_rows": [],
}


def changed(path: Path, edit: Callable[[Any], Any]) -> None:
    write_json(path, edit(read_json(path)))


@pytest.fixture
def served(trained: System, tmp_path: Path) -> System:
    """What of a trained system answers new records, no data among it; the gates say ship."""
    folder = tmp_path / "system"
    for name in ("models", "adapters", "metrics", "schemas"):
        shutil.copytree(trained.path(name), folder / name)
    shutil.copy(trained.path("params.yaml"), folder)
    values = yaml.safe_load((folder / "params.yaml").read_text())
    values["convert"]["context"] = []
    values["evaluate"]["batch_size"] = 2
    (folder / "params.yaml").write_text(yaml.safe_dump(values, sort_keys=False))
    write_json(folder / "metrics" / "convert.json", dict.fromkeys(("train", "valid", "test"), LENGTHS))
    changed(folder / "metrics" / "gates.json", lambda gates: {**gates, "answer": "ship", "reason": "all pass"})
    return System(folder)


@pytest.fixture
def asked(trained: System) -> list[dict[str, Any]]:
    """The test rows of the trained system as raw records without answers."""
    lines = trained.path("data", "mlx", "test.jsonl").read_text().removesuffix("\n").split("\n")
    texts = [json.loads(line)["messages"][0]["content"].partition("Customer: ")[2] for line in lines]
    return [
        {
            "id": f"test{number}",
            "start": f"2025-03-01T10:00:{number:02}Z",
            "turns": [{"role": "customer", "text": text}],
        }
        for number, text in enumerate(texts)
    ]


def texts(trained: System, constrained: bool) -> dict[str, tuple[str, int]]:
    """What the adapter said of the test rows when it was evaluated."""
    table = pq.read_table(trained.path("data", "predictions.parquet")).to_pylist()
    return {
        row["id"]: (row["output"], row["output_tokens"])
        for row in table
        if row["arm"] == "adapter" and row["constrained"] == constrained and row["split"] == "test"
        if row["sample"] == 0 and row["output"] is not None
    }


def write(path: Path, records: list[Any]) -> Path:
    path.write_text("".join(f"{one if isinstance(one, str) else json.dumps(one)}\n" for one in records))
    return path


def predict(system: System, given: Path, out: Path, part: Shard = predictor.ALL, why: str | None = None) -> None:
    values = params.load(system, predictor.PARAMS)
    run.predict(system, values, admission.check(system, why), given, out, part, True)


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().removesuffix("\n").split("\n")]


@pytest.mark.parametrize("constrained", [True, False])
def test_the_rows_of_an_evaluation_get_its_texts_together_and_alone(
    served: System, trained: System, asked: list[dict[str, Any]], constrained: bool
) -> None:
    model = load(served.root, constrained=constrained)
    together = {one.id: (one.output, one.tokens) for one in model.predict(asked)}
    alone = {one.id: (one.output, one.tokens) for record in asked[:5] for one in model.predict([record])}
    expected = texts(trained, constrained)
    assert len(expected) > 10
    assert {name: together[name] for name in expected} == expected
    assert {name: together[name] for name in alone} == alone


def test_a_file_gets_the_answers_that_python_gets_as_values_of_the_schema(
    served: System, asked: list[dict[str, Any]], tmp_path: Path
) -> None:
    predict(served, write(tmp_path / "new.jsonl", asked[:6]), tmp_path / "out.jsonl")
    made = load(served.root).predict(asked[:6])
    assert [(row["id"], row["output"]) for row in lines(tmp_path / "out.jsonl")] == [(p.id, p.output) for p in made]
    assert made[0].answer == {"mood": lines(tmp_path / "out.jsonl")[0]["mood"], "count": made[0].answer["count"]}
    assert all(one.schema_valid and one.finished and one.reason is None for one in made)


@pytest.mark.parametrize(
    "edit",
    ["models/base/model.safetensors", "models/base/chat_template.jinja", "adapters/best/adapter_config.json"],
)
def test_another_base_template_or_adapter_is_refused_in_one_line(served: System, edit: str) -> None:
    path = served.path(edit)
    with path.open("ab") as stream:
        stream.write(b" ")
    with pytest.raises(PlateauError, match=f"{Path(edit).name}.*evaluated") as caught:
        load(served.root, not_gated="a trial")
    assert "\n" not in str(caught.value)


def test_another_schema_or_another_code_of_prompts_is_refused(served: System) -> None:
    changed(served.path("schemas", "target.schema.json"), lambda schema: {**schema, "description": "another"})
    with pytest.raises(PlateauError, match=r"target\.schema\.json: not what was evaluated"):
        load(served.root)
    changed(served.path("adapters", "evaluated.json"), lambda found: {**found, "code": {"prompts/chat.py": "0"}})
    with pytest.raises(PlateauError, match=r"chat\.py|not what was evaluated"):
        load(served.root)


@pytest.mark.parametrize("file", ["params.yaml", "systems/mine/params.yaml"])
@pytest.mark.parametrize(
    ("section", "key", "value"),
    [("convert", "instruction", "Judge it."), ("temporal", "holidays", "DE"), ("prepare", "mapping", {"x": 1})],
)
def test_params_that_make_prompts_must_be_those_that_dvc_recorded(
    served: System, section: str, key: str, value: Any, file: str
) -> None:
    values = yaml.safe_load(served.path("params.yaml").read_text())
    stages = {
        "prepare": {"prepare": values["prepare"]},
        "temporal": {"temporal": values["temporal"]},
        "convert": {"convert": values["convert"], "max_seq_length": values["max_seq_length"]},
        "answers": {"evaluate.max_tokens": values["evaluate"]["max_tokens"]},
    }
    lock = {"stages": {name: {"params": {file: read}} for name, read in stages.items()}}
    served.path("dvc.lock").write_text(yaml.safe_dump(lock))
    assert list(admission.changed_params(served)) == []
    lock["stages"][section]["params"][file][section][key] = value
    served.path("dvc.lock").write_text(yaml.safe_dump(lock))
    with pytest.raises(PlateauError, match=f"params.yaml: {section}.*is not what the adapter was evaluated with"):
        admission.check(served)


def test_an_adapter_that_the_gates_hold_back_answers_only_with_a_reason_that_is_kept(
    served: System, asked: list[dict[str, Any]], tmp_path: Path
) -> None:
    changed(served.metrics("gates"), lambda gates: {**gates, "answer": "do_not_ship", "reason": "worse than the base"})
    with pytest.raises(GateFailedError, match="do_not_ship: worse than the base; give --not-gated"):
        admission.check(served)
    with pytest.raises(BadInputError, match="say why"):
        admission.check(served, " ")
    predict(served, write(tmp_path / "new.jsonl", asked[:3]), tmp_path / "out.parquet", why="only a trial")
    kept = json.loads(pq.read_schema(tmp_path / "out.parquet").metadata[b"plateau"])
    assert kept == read_json(tmp_path / "out.parquet.meta.json")
    assert (kept["not_gated"], kept["gates"]["answer"], kept["rows"]) == ("only a trial", "do_not_ship", 3)


def test_waivers_ship_and_stand_in_the_metadata(served: System, asked: list[dict[str, Any]], tmp_path: Path) -> None:
    waived = {"drift": "known, and harmless"}
    changed(served.metrics("gates"), lambda gates: {**gates, "answer": "ship_with_waivers", "waived": waived})
    predict(served, write(tmp_path / "new.jsonl", asked[:3]), tmp_path / "out.csv")
    assert read_json(tmp_path / "out.csv.meta.json")["gates"]["waived"] == waived


def test_gates_of_another_evaluation_do_not_count(served: System) -> None:
    changed(served.metrics("gates"), lambda gates: {**gates, "evaluated": "0" * 64})
    with pytest.raises(PlateauError, match="of another evaluation"):
        admission.check(served)
    served.metrics("gates").unlink()
    with pytest.raises(PlateauError, match="no gates were evaluated"):
        admission.check(served)


BROKEN = {
    '{"id": "torn"': "invalid_json",
    '{"id": "late", "start": "2025-03-01T10:00:00Z"}': "missing_key",
    '{"id": "who", "start": "2025-03-01T10:00:00Z", "turns": [{"role": "dog", "text": "x"}]}': "unknown_role",
    '{"id": "mute", "start": "2025-03-01T10:00:00Z", "turns": []}': "no_turns",
    '{"id": "when", "start": "yesterday", "turns": [{"role": "agent", "text": "x"}]}': "impossible_time",
}


def test_a_record_that_cannot_be_read_is_a_row_with_a_reason_and_stops_none_of_the_others(
    served: System, asked: list[dict[str, Any]], tmp_path: Path
) -> None:
    mixed: list[Any] = list(itertools.chain.from_iterable(zip(asked[:5], BROKEN, strict=True)))
    predict(served, write(tmp_path / "new.jsonl", mixed), tmp_path / "out.jsonl")
    predict(served, write(tmp_path / "good.jsonl", asked[:5]), tmp_path / "good.out.jsonl")
    rows = lines(tmp_path / "out.jsonl")
    assert [row["output"] for row in rows[::2]] == [row["output"] for row in lines(tmp_path / "good.out.jsonl")]
    assert [row["reason"].partition(":")[0] for row in rows[1::2]] == list(BROKEN.values())
    assert [row["id"] for row in rows[1::2]] == [None, "late", "who", "mute", "when"]
    assert all(row["mood"] is None and row["schema_valid"] is None for row in rows[1::2])
    assert read_json(tmp_path / "out.jsonl.meta.json")["reasons"] == dict.fromkeys(sorted(BROKEN.values()), 1)


def test_a_prompt_that_cannot_be_rendered_is_that_rows_reason_alone(
    served: System, asked: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    render = Renderer.examples

    def refusing(self: Renderer, rows: Any) -> Any:
        if any(row["id"] == "test3" for row in rows):
            raise BadInputError("row test3: no room")
        return render(self, rows)

    monkeypatch.setattr(Renderer, "examples", refusing)
    made = load(served.root).predict(asked[:6])
    assert [one.reason for one in made] == [None, None, None, "not_rendered: row test3: no room", None, None]


def test_a_record_that_python_cannot_write_as_json_has_a_reason(served: System, asked: list[dict[str, Any]]) -> None:
    odd = [{**asked[0], "start": object()}, {**asked[0], "id": "\ud800"}, {**asked[0], "start": datetime.now(UTC)}]
    made = load(served.root).predict(odd)
    assert [(one.reason or "").partition(":")[0] for one in made] == ["invalid_json", "invalid_json", ""]


@pytest.mark.parametrize("ending", ["jsonl", "csv", "parquet"])
def test_every_format_holds_the_same_rows(
    served: System, asked: list[dict[str, Any]], tmp_path: Path, ending: str
) -> None:
    given = write(tmp_path / "new.jsonl", [*asked[:4], "{"])
    predict(served, given, tmp_path / f"out.{ending}")
    predict(served, given, tmp_path / "same.jsonl")
    rows = lines(tmp_path / "same.jsonl")
    if ending == "parquet":
        table = pq.read_table(tmp_path / "out.parquet")
        assert table.schema.field("count").type == pa.int64()
        assert table.to_pylist() == rows
    elif ending == "csv":
        table = pyarrow.csv.read_csv(tmp_path / "out.csv")
        assert table["count"].to_pylist() == [row["count"] for row in rows]
        with (tmp_path / "out.csv").open(newline="") as stream:
            assert [row["output"] for row in csv.DictReader(stream)] == [row["output"] or "" for row in rows]
    else:
        assert lines(tmp_path / "out.jsonl") == rows
    with pytest.raises(BadInputError, match=r"ends with \.jsonl, \.csv, \.parquet"):
        predict(served, given, tmp_path / "out.xlsx")


SCHEMA = {
    "type": "object",
    "required": ["id", "topic"],
    "additionalProperties": False,
    "properties": {
        "id": {"type": "string"},
        "topic": {
            "type": "object",
            "additionalProperties": False,
            "properties": {"name": {"enum": ["a", "b"]}, "steps": {"type": "array", "items": {"type": "string"}}},
        },
        "sure": {"type": ["boolean", "null"]},
        "size": {"type": "integer"},
        "share": {"type": "number"},
    },
}


def test_a_field_is_a_column_nested_with_dots_lists_as_json_and_no_name_stands_twice() -> None:
    columns = Columns(tuple(fields.fields(SCHEMA)))
    answer = {"id": "theirs", "topic": {"name": "a", "steps": ["x", "y"]}, "sure": None, "size": 2**70, "share": 1}
    row = columns.row(Prediction("mine", "f:1", answer, json.dumps(answer), True, True, 9, 5, 0))
    assert {"id": "mine", "target.id": "theirs", "topic.name": "a", "topic.steps": ["x", "y"]}.items() <= row.items()
    assert (row["sure"], row["size"], row["share"]) == (None, None, 1)
    assert columns.flat(row)["topic.steps"] == '["x", "y"]'
    assert list(row) == columns.schema.names
    assert pa.RecordBatch.from_pylist([columns.flat(row)], columns.schema).num_rows == 1
    odd = columns.row(
        Prediction("mine", "f:1", {"id": "\ud800", "share": 2**60, "size": 2.0}, "{}", True, True, 9, 5, 0)
    )
    assert (odd["share"], odd["size"], json.loads(line(odd))["target.id"]) == (float(2**60), 2, "?")
    assert columns.row(Prediction("m", "f:1", {"share": 10**400}, "{}", True, True, 9, 5, 0))["share"] is None
    half = columns.row(Prediction("mine", "f:1", {"id": 7, "topic": "no"}, "{}", False, True, 9, 5, 0))
    assert (half["target.id"], half["topic.name"], half["schema_valid"]) == (None, None, False)


def stopped(monkeypatch: pytest.MonkeyPatch, batches: int, given: tuple[System, Path, Path]) -> None:
    """A run that ends, as if it were killed, when so many batches were answered."""
    answered, done = Predictor.answered, list[int]()

    def stopping(self: Predictor, batch: Any) -> Any:
        if len(done) == batches:
            raise KeyboardInterrupt
        done.append(1)
        return answered(self, batch)

    with monkeypatch.context() as patch:
        patch.setattr(Predictor, "answered", stopping)
        with pytest.raises(KeyboardInterrupt):
            predict(*given)


def test_stopped_twice_the_output_is_the_same_bytes(
    served: System, asked: list[dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = write(tmp_path / "new.jsonl", [*asked[:10], *BROKEN])
    predict(served, given, tmp_path / "whole.jsonl")
    monkeypatch.setattr(predictor, "BATCHES", 2)
    for _ in range(2):
        stopped(monkeypatch, 1, (served, given, tmp_path / "out.jsonl"))
        assert not (tmp_path / "out.jsonl").exists()
    assert len(list((tmp_path / "out.jsonl.parts").glob("0*.jsonl"))) == 2
    predict(served, given, tmp_path / "out.jsonl")
    assert (tmp_path / "out.jsonl").read_bytes() == (tmp_path / "whole.jsonl").read_bytes()
    assert not (tmp_path / "out.jsonl.parts").exists()


def test_unfinished_or_finished_work_of_another_input_is_not_gone_on_with(
    served: System, asked: list[dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = asked[:6]
    monkeypatch.setattr(predictor, "BATCHES", 2)
    given, out = write(tmp_path / "new.jsonl", asked), tmp_path / "out.jsonl"
    stopped(monkeypatch, 1, (served, given, out))
    write(given, asked[1:])
    with pytest.raises(BadInputError, match="unfinished rows of another input"):
        predict(served, given, out)
    shutil.rmtree(tmp_path / "out.jsonl.parts")
    predict(served, given, out)
    before = out.read_bytes()
    predict(served, given, out)
    assert out.read_bytes() == before
    write(given, asked[2:])
    with pytest.raises(BadInputError, match="is there already, made from something else"):
        predict(served, given, out)


@given(st.integers(0, 60), st.integers(1, 9), st.integers(1, 7), st.integers(0, 5))
def test_shards_are_disjoint_and_together_the_whole_wherever_they_go_on(
    count: int, parts: int, size: int, skipped: int
) -> None:
    read = items.of_values([{"id": str(number)} for number in range(count)], None)
    shards = [
        [item.number for batch in items.batches(read, size, Shard(part, parts)) for item in batch]
        for part in range(1, parts + 1)
    ]
    assert sorted(itertools.chain.from_iterable(shards)) == list(range(count))
    rest = [item.number for batch in items.batches(read, size, Shard(1, parts), skipped) for item in batch]
    assert rest == shards[0][skipped:]


def test_the_shards_of_a_file_are_the_rows_of_the_whole(
    served: System, asked: list[dict[str, Any]], tmp_path: Path
) -> None:
    given = write(tmp_path / "new.jsonl", asked[:10])
    predict(served, given, tmp_path / "whole.jsonl")
    for part in (1, 2, 3):
        predict(served, given, tmp_path / f"{part}.jsonl", Shard(part, 3))
    found = [row for part in (1, 2, 3) for row in lines(tmp_path / f"{part}.jsonl")]
    assert sorted(found, key=lambda row: row["place"]) == sorted(
        lines(tmp_path / "whole.jsonl"), key=lambda row: row["place"]
    )


@pytest.mark.parametrize("text", ["0/3", "4/3", "3", "a/b", "1/0", "1/3/5"])
def test_what_is_no_shard_is_refused(text: str) -> None:
    with pytest.raises(BadInputError, match="is no part of several"):
        items.shard(text)
    assert items.shard("3/8") == (3, 8)


def test_a_table_with_a_row_a_turn_and_a_folder_of_files_are_read_through_the_mapping(
    served: System, asked: list[dict[str, Any]], tmp_path: Path
) -> None:
    mapping = {
        "transcripts": {
            "id": "call",
            "start": {"path": "at", "format": "%d.%m.%Y", "time_zone": "UTC"},
            "turns": {"rows": True, "role": "who", "text": "said", "roles": {"C": "customer", "A": "agent"}},
        },
        "analyses": {"target": {"mood": "mood", "count": "count"}},
    }
    values = yaml.safe_load(served.path("params.yaml").read_text())
    values["prepare"]["mapping"] = mapping
    served.path("params.yaml").write_text(yaml.safe_dump(values, sort_keys=False))
    folder = tmp_path / "export"
    folder.mkdir()
    words = [record["turns"][0]["text"] for record in asked[:4]]
    (folder / "a.csv").write_text(
        "call;at;who;said\n" + "".join(f"c{n};01.03.2025;C;{w}\n" for n, w in enumerate(words))
    )
    (folder / "b.csv").write_text("call;at;who;said\nc1;01.03.2025;A;good bye\nc9;01.03.2025;X;hello\n")
    predict(served, folder, tmp_path / "out.jsonl")
    rows = lines(tmp_path / "out.jsonl")
    assert [row["id"] for row in rows] == ["c0", "c1", "c2", "c3", "c9"]
    assert rows[4]["reason"].startswith("unknown_role")
    made = load(served.root).predict([{"call": "c0", "at": "01.03.2025", "who": "C", "said": words[0]}])
    assert [one.output for one in made] == [rows[0]["output"]]


def test_earlier_contacts_are_those_that_the_pipeline_counts(tmp_path: Path) -> None:
    """Of records that are known already, in any order and twice; and of new ones, which see the known."""
    start = datetime(2025, 1, 1, tzinfo=UTC)
    times = [None if number % 11 == 4 else start + timedelta(minutes=37 * number**2 % 50_000) for number in range(60)]
    who = [None if number % 7 == 0 else f"k{number % 5}" for number in range(60)]
    table = pa.table(
        {
            "id": [f"c{number}" for number in range(60)],
            "start_utc": pa.array(times, pa.timestamp("us", "UTC")),
            "customer_id": pa.array(who, pa.string()),
        }
    )
    system = System(tmp_path)
    parquet.write(system.path("data", "prepared.parquet"), table.schema, table.to_batches())
    expected = context.contacts(table)
    shuffled = [number * 7 % 60 for number in range(60)] + [3, 3]
    raw = [
        {
            "id": f"c{number}",
            "turns": [{"role": "customer", "text": "x"}],
            **({"start": time.isoformat()} if (time := times[number]) else {}),
            **({"customer_id": who[number]} if who[number] else {}),
        }
        for number in shuffled
    ]
    values = params.check(tiny.ROOT / "params.yaml")
    values["convert"]["context"] = ["time_of_day", *context.CONTACTS]
    setup = asking.setup(System(tiny.ROOT), values, 10)
    read = items.of_values([*raw[:5], {"id": "broken"}, *raw[5:]], None)
    with engine.local(1) as pool:
        found, count = asking.contacts(pool, system, setup, items.batches(read, 8, predictor.ALL))
    places = [*range(5), *range(6, 63)]
    assert count == 63
    for name in context.CONTACTS:
        assert found[name].take(pa.array(places)).to_pylist() == expected[name].take(pa.array(shuffled)).to_pylist()
        assert found[name][5].as_py() is None


def test_the_features_of_contacts_are_those_that_need_other_records() -> None:
    table = pa.table({"start_utc": pa.array([], pa.timestamp("us", "UTC")), "customer_id": pa.array([], pa.string())})
    assert tuple(context.contacts(table)) == context.CONTACTS


def test_a_prompt_with_room_for_an_answer_does_not_depend_on_the_rows_own(tokenizer: Any) -> None:
    turns = [{"role": "customer", "text": f"word{number} " * 6} for number in range(9)]
    rows = [{"id": "a", "turns": turns, "target": target} for target in ('{"a": 1}', json.dumps({"a": "long " * 30}))]
    prompts = []
    for row in rows:
        [example] = Renderer(tokenizer, (), "", 200, room=40).examples([row])
        prompts.append(example.ids[: example.completion_start])
        assert example.completion_start + 40 <= 200
        assert example.dropped_turns
    assert prompts[0] == prompts[1]
    own = [Renderer(tokenizer, (), "", 200).examples([row])[0].content for row in rows]
    assert own[0] != own[1]


def test_a_link_to_a_file_of_another_name_is_read_by_the_name_of_the_link(tmp_path: Path) -> None:
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "ab12").write_text('{"id": "x"}\n')
    (tmp_path / "new.jsonl").symlink_to(tmp_path / "cache" / "ab12")
    [raw] = items.of_files(tmp_path / "new.jsonl", tmp_path / "system", None, 2**20)()
    assert (raw.file, raw.problem) == ("new.jsonl", None)


def stage(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "stages.predict", *arguments]
    return subprocess.run(command, cwd=tiny.ROOT, capture_output=True, text=True, check=False)


def test_the_command_answers_and_says_in_one_line_what_it_cannot_do(
    served: System, asked: list[dict[str, Any]], tmp_path: Path
) -> None:
    given = write(tmp_path / "new.jsonl", asked[:3])
    done = stage(str(served.root), str(given))
    assert done.returncode == 0, done.stderr
    assert len(lines(tmp_path / "new.predictions.jsonl")) == 3
    for arguments, words in (
        ([str(served.root), "nowhere.csv"], "nowhere.csv: no such file or folder"),
        ([str(served.root), str(served.path("params.yaml"))], "not .json"),
        ([str(served.root), str(given), "--shrad", "1/2"], "--shrad"),
        ([str(tmp_path), str(given)], "not a system folder"),
    ):
        done = stage(*arguments)
        assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
        assert words in done.stderr


def constant(_: Predictor, prompts: list[list[int]]) -> Iterator[Any]:
    """An answer at once, so that a soak measures everything but the model."""
    from plateau.lm.generation import Output

    return iter([Output('{"mood": "calm", "count": 2}', 9, True) for _ in prompts])


@pytest.mark.soak
def test_memory_does_not_grow_with_the_input(
    served: System, asked: list[dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """200,000 records; the first 20,000 show how much is held."""
    import psutil

    monkeypatch.setattr(Predictor, "_generate", constant)
    monkeypatch.setattr(predictor, "BATCHES", 256)
    peaks, seen = [], [0]
    kept = run.Pace.at

    def watching(self: run.Pace, done: int) -> None:
        seen[0] = max(seen[0], psutil.Process().memory_info().rss)
        kept(self, done)

    monkeypatch.setattr(run.Pace, "at", watching)
    for count in (20_000, 200_000):
        path = tmp_path / f"{count}.jsonl"
        with path.open("w") as stream:
            for number in range(count):
                stream.write(json.dumps({**asked[number % len(asked)], "id": f"c{number}"}) + "\n")
        predict(served, path, tmp_path / f"{count}.parquet")
        peaks.append(seen[0])
    assert pq.read_metadata(tmp_path / "200000.parquet").num_rows == 200_000
    assert peaks[1] - peaks[0] < 150 * 2**20
