"""STAR dialogues to raw records: complete dialogues with one task, and nothing that tells the label but what was said."""

import datetime as dt
import gzip
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from plateau.core.errors import BadInputError

Dialogue = Mapping[str, Any]

ROLES = {"User": "customer", "Wizard": "agent"}
SPOKEN = ("utter", "pick_suggestion")
HELP = "Set STAR_DATA to a folder that holds star_dialogues.jsonl.gz, or to a clone of github.com/RasaHQ/STAR; see systems/star/README.md"


def folder(named: str | None) -> Path:
    """The folder that STAR_DATA names; BadInputError where it names none."""
    if not named:
        raise BadInputError(f"STAR_DATA is not set. {HELP}")
    return Path(named)


def read(folder: Path) -> Iterator[Dialogue]:
    """The dialogues in a folder: star_dialogues.jsonl(.gz), or STAR's own dialogues/*.json. BadInputError without any."""
    packed, plain = folder / "star_dialogues.jsonl.gz", folder / "star_dialogues.jsonl"
    published = sorted((folder / "dialogues").glob("*.json"), key=lambda path: (len(path.name), path.name))
    if packed.is_file() or plain.is_file():
        with gzip.open(packed, "rt", encoding="utf-8") if packed.is_file() else plain.open(encoding="utf-8") as lines:
            yield from map(json.loads, lines)
    elif published:
        yield from (simplified(json.loads(path.read_text(encoding="utf-8"))) for path in published)
    else:
        raise BadInputError(f"{folder}: no STAR dialogues there. {HELP}")


def simplified(published: Dialogue) -> Dialogue:
    """A dialogue as STAR publishes it, in the fields that are read here."""
    scenario = published["Scenario"]
    tasks = [able["Task"] for able in scenario["WizardCapabilities"]]
    said = [event for event in published["Events"] if event.get("Agent") in ROLES and event.get("Action") in SPOKEN]
    return {
        "dialogue_id": published["DialogueID"],
        "completion": published["CompletionLevel"],
        "customer_id": published["AnonymizedUserWorkerID"],
        "agent_id": published["AnonymizedWizardWorkerID"],
        "task": tasks[0] if len(tasks) == 1 else None,
        "multi_task": scenario["MultiTask"],
        "turns": [{"role": ROLES[e["Agent"]], "text": e["Text"], "t": e["UnixTime"]} for e in said],
        **_answers(published["UserQuestionnaire"], published["WizardQuestionnaire"]),
    }


def _answers(user: list[Dialogue], wizard: list[Dialogue]) -> dict[str, bool | None]:
    """The survey. The question whether the task was done is worded for each task: it is the one that is none of the others."""
    calm = [item["Answer"] for item in user if "calm and helpful" in item["Question"]]
    done = [
        item["Answer"]
        for item in user
        if "calm and helpful" not in item["Question"] and "enjoy" not in item["Question"]
    ]
    annoyed = [item["Answer"] for item in wizard if "annoyed" in item["Question"]]
    keys = ("customer_says_calm_helpful", "customer_says_task_done", "agent_says_customer_annoyed")
    return {key: next(iter(given), None) for key, given in zip(keys, (calm, done, annoyed), strict=True)}


def wanted(dialogue: Dialogue) -> bool:
    """Whether it was completed, has one task, and anything was said."""
    return bool(
        dialogue["completion"] == "Complete" and dialogue["task"] and not dialogue["multi_task"] and dialogue["turns"]
    )


def transcript(dialogue: Dialogue) -> dict[str, Any]:
    """The raw transcript: what was said, by whom and when; none of action, user_task, happy_path or domains."""
    return {
        "id": f"star-{dialogue['dialogue_id']}",
        "start": _iso(dialogue["turns"][0]["t"]),
        "customer_id": dialogue["customer_id"],
        "agent_id": dialogue["agent_id"],
        "turns": [{"role": turn["role"], "text": turn["text"], "time": _iso(turn["t"])} for turn in dialogue["turns"]],
    }


def analysis(dialogue: Dialogue) -> dict[str, Any]:
    """The labels; what a worker did not answer is left out."""
    answers = {
        "task_done": dialogue["customer_says_task_done"],
        "customer_annoyed": dialogue["agent_says_customer_annoyed"],
        "calm_helpful": dialogue["customer_says_calm_helpful"],
    }
    given = {name: answer for name, answer in answers.items() if answer is not None}
    return {"id": f"star-{dialogue['dialogue_id']}", "target": {"task": dialogue["task"], **given}}


def _iso(seconds: int) -> str:
    return dt.datetime.fromtimestamp(seconds, dt.UTC).isoformat()
