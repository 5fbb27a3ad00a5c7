"""A system proposed from an export runs as it is, and an export of no use is one clear line."""

import csv
import io
import json
import random
import subprocess
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from plateau.core import params
from plateau.core.errors import BadInputError
from plateau.core.system import System
from plateau.proposal import columns, proposal, sample, trial, writing
from plateau.proposal.asking import Asker
from plateau.proposal.proposal import Proposal, Wishes
from stages import prepare, split, temporal
from tools import params_file

WORDS = [
    "my",
    "order",
    "parcel",
    "invoice",
    "arrived",
    "broken",
    "late",
    "again",
    "please",
    "help",
    "thanks",
    "router",
    "bill",
    "phone",
]
Rows = list[dict[str, Any]]


def text(draw: random.Random, count: int = 9) -> str:
    return " ".join(draw.choices(WORDS, k=count)) + f" {draw.randint(0, 10_000)}."


def tickets(count: int = 200) -> Rows:
    """A help desk's export: an id, a time of day and month, a customer who comes again, a text, and labels of each kind."""
    draw = random.Random(0)
    return [
        {
            "Ticket ID": f"T-{number}",
            "Created": f"{1 + number // 8:02}.03.2025 {8 + number % 9:02}:15",
            "customer_id": f"k{draw.randrange(150)}",
            "Message": text(draw, 14),
            "Priority": draw.choice(["low", "high", "High "]),
            "stars": draw.randint(1, 5),
            "churn risk": round(draw.random(), 3),
            "solved": draw.choice(["yes", "no"]),
            "license": "CC0",
        }
        for number in range(count)
    ]


def as_csv(rows: Rows) -> str:
    stream = io.StringIO()
    writer = csv.DictWriter(stream, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue()


def as_lines(rows: Rows) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def export(folder: Path, **files: str) -> Path:
    """A folder with these files; two underscores in a name are a dot."""
    folder.mkdir(exist_ok=True)
    for name, content in files.items():
        (folder / name.replace("__", ".")).write_text(content, encoding="utf-8")
    return folder


def proposed(data: Path, **wishes: Any) -> tuple[Proposal, trial.Trial]:
    found = sample.read(data)
    made = proposal.propose(found, Wishes(**wishes), Asker(quiet=True))
    return made, trial.run(made, [source for source in found if source is not made.source])


def ran(folder: Path, data: Path, **wishes: Any) -> tuple[Proposal, Rows, System]:
    """The proposal, the rows that come of it as it is, and the system with its splits."""
    made, tried = proposed(data, **wishes)
    system = System(folder / "mine")
    writing.write(system.root, "mine", made, tried, {"transcripts.turns": "a guess"}, params_file.dumped)
    place = system.path("params.yaml")
    place.write_text(params_file.synced(place.read_text(), "x"))
    for source in sample.read(data):
        for name, path in source.files.items():
            system.path("data", "raw", name).parent.mkdir(parents=True, exist_ok=True)
            system.path("data", "raw", name).write_bytes(path.read_bytes())
    for stage in (prepare, temporal, split):
        stage.main(system, params.load(system, stage.PARAMS))
    return made, pq.read_table(system.path("data", "prepared.parquet")).to_pylist(), system


def test_a_table_of_tickets_becomes_a_system_that_runs_as_it_is(tmp_path: Path) -> None:
    made, rows, system = ran(tmp_path, export(tmp_path / "x", tickets__csv=as_csv(tickets())))
    assert len(rows) == 200
    assert made.transcripts["id"] == "Ticket ID"
    assert made.transcripts["start"] == {"path": "Created", "format": "%d.%m.%Y %H:%M", "time_zone": "UTC"}
    schema = json.loads(system.schema("target").read_text())
    assert schema["properties"] == {
        "priority": {"enum": ["high", "low"]},
        "stars": {"type": "integer", "minimum": 1, "maximum": 5},
        "churn_risk": {"type": "number", "minimum": pytest.approx(0, abs=0.02), "maximum": pytest.approx(1, abs=0.02)},
        "solved": {"type": "boolean"},
    }
    assert schema["required"] == ["priority", "stars", "churn_risk", "solved"]
    assert {json.loads(row["target"])["priority"] for row in rows} == {"high", "low"}
    assert made.left_out["license"] == "about the record, not of what was said"
    written = system.path("params.yaml").read_text()
    assert "# CHECK: the times name no offset" in written
    assert "# CHECK: a guess" in written
    assert params.check(system.path("params.yaml"))["split"]["strategy"] == "time"
    assert system.split("test").is_file()


def chats(count: int = 120) -> Rows:
    draw = random.Random(1)
    return [
        {
            "uuid": f"u{number}",
            "labels": {"topic": draw.choice(["billing", "technical"]), "tags": draw.sample(["a", "b", "c"], 2)},
            "messages": [
                {"sender": who, "body": text(draw), "at": 1_700_000_000 + number * 90_000 + 60 * place}
                for place, who in enumerate(["user", "assistant", "user"])
            ],
        }
        for number in range(count)
    ]


def test_nested_chats_give_turns_roles_times_and_nested_labels(tmp_path: Path) -> None:
    made, rows, _ = ran(tmp_path, export(tmp_path / "x", chats__jsonl=as_lines(chats())))
    assert made.mapping["transcripts"]["turns"] == {
        "path": "messages",
        "role": "sender",
        "roles": {"user": "customer", "assistant": "agent"},
        "text": "body",
        "skip_blank": True,
        "time": {"path": "at", "format": "unix"},
    }
    assert made.transcripts["start"] == {"path": "messages.0.at", "format": "unix"}
    assert {one.name for one in made.labels} == {"topic", "tags"}
    assert [turn["role"] for turn in rows[0]["turns"]] == ["customer", "agent", "customer"]


def test_rows_of_turns_are_gathered_and_roles_of_its_own_are_listed(tmp_path: Path) -> None:
    lines = [
        {
            "conversation_id": f"n{number}",
            "speaker": who,
            "utterance": text(random.Random(number * 9 + n)),
            "deal": "won" if number % 3 else "lost",
        }
        for number in range(150)
        for n, who in enumerate(["buyer", "seller", "buyer"])
    ]
    made, rows, system = ran(tmp_path, export(tmp_path / "x", talks__csv=as_csv(lines)))
    assert made.mapping["transcripts"]["turns"]["rows"]
    assert len(rows) == 150
    assert [turn["role"] for turn in rows[0]["turns"]] == ["buyer", "seller", "buyer"]
    assert "buyer" in system.schema("transcript").read_text()
    assert made.labels[0].schema == {"enum": ["lost", "won"]}


def test_a_text_with_names_of_speakers_is_taken_apart(tmp_path: Path) -> None:
    draw = random.Random(2)
    lines = [
        {
            "id": number,
            "transcript": f"Agent: {text(draw)}\nCustomer: {text(draw)}\nAgent: {text(draw)}",
            "topic": draw.choice("ab"),
        }
        for number in range(100)
    ]
    _, rows, _ = ran(tmp_path, export(tmp_path / "x", calls__jsonl=as_lines(lines)))
    assert [turn["role"] for turn in rows[0]["turns"]] == ["agent", "customer", "agent"]


def test_files_that_are_splits_and_a_column_that_is_one_are_kept(tmp_path: Path) -> None:
    draw = random.Random(3)
    rows = [{"text": text(draw), "category": draw.choice(["card", "loan", "fee"])} for _ in range(300)]
    made, found, system = ran(
        tmp_path, export(tmp_path / "x", train__csv=as_csv(rows[:240]), test__csv=as_csv(rows[240:]))
    )
    assert made.transcripts["split"] == "$file"
    assert sum(row["split"] == "test" for row in found) == 60
    assert len(pq.read_table(system.split("test"))) == 60
    named = [{**row, "split": "test" if number < 60 else "train"} for number, row in enumerate(rows)]
    (tmp_path / "y").mkdir()
    made, _, system = ran(tmp_path / "y", export(tmp_path / "z", bank__jsonl=as_lines(named)))
    assert made.transcripts["split"] == "split"
    assert len(pq.read_table(system.split("test"))) == 60


def test_labels_in_a_file_of_their_own_are_joined(tmp_path: Path) -> None:
    rows = tickets()
    judged = [
        {"ref": row["Ticket ID"], "queue": "billing" if number % 2 else "technical"} for number, row in enumerate(rows)
    ]
    said = [{"id": row["Ticket ID"], "text": row["Message"]} for row in rows]
    made, found, _ = ran(tmp_path, export(tmp_path / "x", talks__jsonl=as_lines(said), judged__csv=as_csv(judged)))
    assert made.analyses == {"source": "judged", "id": "ref"}
    assert len(found) == 200


def test_records_of_which_many_are_bad_raise_the_limit_and_say_so(tmp_path: Path) -> None:
    lines = chats()
    for line in lines[::10]:
        line["messages"] = []
    _, rows, system = ran(tmp_path, export(tmp_path / "x", chats__jsonl=as_lines(lines)))
    assert len(rows) == 108
    assert params.check(system.path("params.yaml"))["prepare"]["max_rejected"] == 0.12
    assert "# Here: CHECK: 10.0% of the sample is rejected (missing_key 12)" in system.path("params.yaml").read_text()


def test_a_person_is_heard_before_the_data() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    asker = Asker(Terminal("none\n2, 1\n\n"))
    assert asker("p", "which", ["a", "b", "c"], ["a"]) == ["b", "a"]
    assert asker("p", "which", ["a", "b", "c"], ["a"]) == ["a"]
    assert not asker.doubts
    assert Asker(io.StringIO())("p", "which", ["a", "b"], ["a"]) == ["a"]


def test_flags_decide(tmp_path: Path) -> None:
    data = export(tmp_path / "x", tickets__csv=as_csv(tickets()))
    made, _ = proposed(data, target=["Priority"], start="none", group="customer_id", ignore=("stars",))
    assert ([one.name for one in made.labels], "start" in made.transcripts) == (["priority"], False)
    with pytest.raises(BadInputError, match=r"--target: .*tickets\.csv has no 'prio'; it has Ticket ID, Created"):
        proposed(data, target=["prio"])


def test_what_is_asked_for_is_answered_whatever_it_looks_like_or_refused(tmp_path: Path) -> None:
    data = export(tmp_path / "x", tickets__csv=as_csv(tickets()))
    made, _ = proposed(data, target=["customer_id", "Priority"])
    assert {one.name for one in made.labels} == {"customer_id", "priority"}
    assert "customer_id" not in made.transcripts
    with pytest.raises(BadInputError, match="--target: 'Message' cannot be answered: it is part of the conversation"):
        proposed(data, target=["Message", "Priority"], text=["Message"])


def test_make_new_takes_a_path_with_spaces() -> None:
    line = ["make", "-n", "-o", "setup", "new", "SYSTEM=mine", "DATA=my export/a b.csv"]
    shown = subprocess.run(line, cwd=Path(__file__).parents[1], capture_output=True, text=True, check=True).stdout
    assert "stages.new 'mine' 'my export/a b.csv'" in shown


def test_labels_with_space_around_them_are_values_like_others(tmp_path: Path) -> None:
    rows = [{**row, "Priority": ("low ", " high", "low ")[number % 3]} for number, row in enumerate(tickets())]
    made, found, _ = ran(tmp_path, export(tmp_path / "x", tickets__csv=as_csv(rows)))
    assert made.labels[0].schema == {"enum": ["high", "low"]}
    assert len(found) == len(rows)


def test_subjects_are_no_labels_and_markup_and_quotes_are_both_named(tmp_path: Path) -> None:
    rows = [
        {
            **row,
            "Subject": ("lost my parcel", "bill is wrong")[number % 2],
            "Message": f"<p>{row['Message']}</p>\n> quoted",
        }
        for number, row in enumerate(tickets())
    ]
    made, _ = proposed(export(tmp_path / "x", tickets__csv=as_csv(rows)))
    assert "subject" not in {one.name for one in made.labels}
    assert made.left_out["Subject"].startswith("a title, by its name")
    assert made.checks["transcripts.turns"].startswith("'Message' holds HTML and quoted or forwarded e-mail")


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({}, "no file of a format that is read"),
        ({"a__jsonl": ""}, "it holds no record"),
        ({"a__json": "[1, 2, 3]"}, "3 of 3 records cannot be read: wrong_type"),
        ({"a__jsonl": "{nonsense\n" * 9}, "9 of 9 records cannot be read: invalid_json"),
        ({"a__json": json.dumps({"data": chats(5)})}, "one record that holds a list under 'data'"),
        (
            {"a__csv": "id,n\n" + "".join(f"{n},{n % 3}\n" for n in range(50))},
            "no column with texts of people was found",
        ),
        (
            {"a__jsonl": as_lines([{"id": n, "text": text(random.Random(n))} for n in range(50)])},
            "no column that a model could answer",
        ),
        ({"a__csv": "id,id\n1,2\n"}, "its first row must name every column, each once: 'id' stands twice"),
        ({"a__csv": "id,,n\n1,2,3\n"}, "its first row must name every column, each once: column 2 has no name"),
    ],
)
def test_an_export_of_no_use_is_one_clear_line(files: dict[str, str], words: str, tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=words) as error:
        proposed(export(tmp_path / "x", **files))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("values", "form", "offset"),
    [
        (["2025-03-01T10:00:00Z"], "iso", True),
        (["2025-03-01 10:00:00"], "iso", False),
        ([1_700_000_000], "unix", True),
        (["1700000000123"], "unix_ms", True),
        (["15/Jan/20 14:53"], "%d/%b/%y %H:%M", False),
        (["03/14/2025 09:05 PM"], "%m/%d/%Y %I:%M %p", False),
    ],
)
def test_times_are_known_by_their_form(values: list[Any], form: str, offset: bool) -> None:
    found = columns.time_of(values)
    assert found is not None
    assert (found.format, found.has_offset) == (form, offset)


@pytest.mark.parametrize("values", [["soon"], [5], ["2025"], [None], [["x"]], []])
def test_what_is_no_time_is_none(values: list[Any]) -> None:
    assert columns.time_of(values) is None
