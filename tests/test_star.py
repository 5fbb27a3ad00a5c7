import json
import os
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from plateau.core import params
from plateau.core.errors import BadInputError
from plateau.core.files import read_json
from plateau.core.system import System
from plateau.data.contracts import Contract
from plateau.data.records import analysis_check, transcript_check
from stages import import_star
from systems.star import dialogues

STAR = System(Path(__file__).parent.parent / "systems" / "star")
DATA = Path(os.environ.get("STAR_DATA", "(STAR_DATA is not set)"))
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="STAR_DATA names no folder with the STAR data")

PUBLISHED = {
    "DialogueID": 7,
    "CompletionLevel": "Complete",
    "AnonymizedUserWorkerID": "u",
    "AnonymizedWizardWorkerID": "w",
    "Scenario": {
        "MultiTask": False,
        "UserTask": "LEAK",
        "Domains": ["LEAK"],
        "Happy": True,
        "WizardCapabilities": [{"Task": "weather"}],
    },
    "Events": [
        {"Agent": "UserGuide", "Action": "instruct", "Text": "LEAK", "UnixTime": 1589375600},
        {"Agent": "User", "Action": "utter", "Text": "Will it rain?", "UnixTime": 1589375697},
        {"Agent": "Wizard", "Action": "query", "UnixTime": 1589375700},
        {"Agent": "Wizard", "Action": "request_suggestions", "Text": "draft", "UnixTime": 1589375701},
        {"Agent": "Wizard", "Action": "pick_suggestion", "ActionLabel": "LEAK", "Text": "No.", "UnixTime": 1589375705},
    ],
    "UserQuestionnaire": [
        {"Question": "Did the assistant tell you the weather?", "Answer": True},
        {"Question": "Did the assistant stay calm and helpful throughout the dialogue?", "Answer": False},
        {"Question": "Did you enjoy this task?", "Answer": True},
    ],
    "WizardQuestionnaire": [
        {"Question": "Did the user become aggressive or annoyed during the dialogue?", "Answer": False}
    ],
}


def test_a_published_dialogue_becomes_a_record_without_what_tells_its_task() -> None:
    dialogue = dialogues.simplified(PUBLISHED)
    assert dialogues.wanted(dialogue)
    transcript = dialogues.transcript(dialogue)
    assert transcript["start"] == "2020-05-13T13:14:57+00:00"
    assert [(turn["role"], turn["text"]) for turn in transcript["turns"]] == [
        ("customer", "Will it rain?"),
        ("agent", "No."),
    ]
    assert "LEAK" not in json.dumps(transcript)
    target = {"task": "weather", "task_done": True, "customer_annoyed": False, "calm_helpful": False}
    assert dialogues.analysis(dialogue) == {"id": "star-7", "target": target}


@pytest.mark.parametrize(
    "change",
    [{"completion": "Incomplete"}, {"task": None}, {"multi_task": True}, {"turns": []}],
    ids=lambda change: next(iter(change)),
)
def test_other_dialogues_are_left_out(change: dict[str, Any]) -> None:
    assert not dialogues.wanted({**dialogues.simplified(PUBLISHED), **change})


def test_both_forms_of_the_data_are_read(tmp_path: Path) -> None:
    (tmp_path / "clone" / "dialogues").mkdir(parents=True)
    (tmp_path / "clone" / "dialogues" / "7.json").write_text(json.dumps(PUBLISHED))
    (tmp_path / "star_dialogues.jsonl").write_text(json.dumps(dialogues.simplified(PUBLISHED)) + "\n")
    assert list(dialogues.read(tmp_path)) == list(dialogues.read(tmp_path / "clone"))


def test_absent_data_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"no STAR dialogues there\. Set STAR_DATA") as caught:
        list(dialogues.read(tmp_path))
    assert "\n" not in str(caught.value)


def test_the_params_of_the_system_are_valid() -> None:
    assert params.check(STAR.path("params.yaml"))["split"]["group_by"] == "customer_id"


@needs_data
def test_the_real_data_gives_valid_records_that_leak_no_label(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STAR_DATA", str(DATA))
    import_star.main(System(tmp_path), {})
    names = ("transcripts.jsonl", "analyses.jsonl")
    texts = [(tmp_path / "data" / "raw" / name).read_text(encoding="utf-8") for name in names]
    transcripts, analyses = ([json.loads(line) for line in text.splitlines()] for text in texts)
    assert len(transcripts) == len(analyses) == 4150
    check = transcript_check(Contract.load(STAR.schema("transcript")))
    assert not [row["id"] for row in transcripts if check(row)]
    judge = analysis_check(Contract.load(STAR.schema("target")))
    assert not [row["id"] for row in analyses if judge(row)]
    assert {key for row in transcripts for key in row} == {"id", "start", "customer_id", "agent_id", "turns"}
    assert {key for row in transcripts for turn in row["turns"] for key in turn} == {"role", "text", "time"}
    assert len({row["target"]["task"] for row in analyses}) == 24
    assert sum("task_done" not in row["target"] for row in analyses) == 1851


def test_the_target_schema_is_one() -> None:
    schema = read_json(STAR.schema("target"))
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["properties"]["task"]["enum"] == sorted(schema["properties"]["task"]["enum"])
