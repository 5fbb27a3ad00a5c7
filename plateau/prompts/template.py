"""Fix the date in a chat template that asks for the time, so that it renders the same on every day and in every stock client."""

import datetime
from pathlib import Path
from typing import Any

from plateau.core.errors import BadInputError

TEMPLATE_DATE = "2024-07-26"  # the date in Llama 3's own template for clients without a clock
_CLOCK = "strftime_now"


def template_file(folder: Path) -> Path:
    """The file of a model folder that its chat template is in."""
    names = ("chat_template.jinja", "chat_template.json")
    return next((folder / name for name in names if (folder / name).is_file()), folder / "tokenizer_config.json")


def fix(tokenizer: Any, folder: Path, date: str) -> None:
    """Give a tokenizer the one template that is used, with the clock at `date` (YYYY-MM-DD); BadInputError without one."""
    template = tokenizer.chat_template
    if isinstance(template, dict):
        if "default" not in template:
            raise BadInputError(
                f"{template_file(folder)}: has the chat templates {', '.join(sorted(template))} and none named default; name one so"
            )
        template = template["default"]
    if not template:
        raise BadInputError(
            f"{folder}: the model has no chat template; use an instruct model or add chat_template.jinja"
        )
    tokenizer.chat_template = dated(template, date)


def asks_for_time(template: str) -> bool:
    """Whether a template asks its client for the time."""
    return _CLOCK in template


def dated(template: str, date: str) -> str:
    """The template with its clock fixed at the beginning of a date, where it asks for the time; a second call changes nothing."""
    if not asks_for_time(template) or template.startswith("{%- macro " + _CLOCK):
        return template
    try:
        day = datetime.date.fromisoformat(date)
    except ValueError:
        raise BadInputError(f"convert.template_date: {date} is no day") from None
    codes = ("%Y", "%y", "%m", "%d", "%-d", "%-m", "%B", "%b", "%A", "%a", "%j", "%H", "%M", "%S", "%I", "%p", "%F")
    steps = "".join(f".replace('{code}', '{_said(day, code)}')" for code in codes)
    # Jinja calls a macro of the template itself before a function of the client.
    return "{%- macro " + _CLOCK + "(format) -%}{{- format" + steps + " -}}{%- endmacro %}{{- '' }}" + template


def _said(day: datetime.date, code: str) -> str:
    """The text of one strftime code, the same on every platform and in every language."""
    months = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ]
    days = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
    words = {
        "%-d": str(day.day),
        "%-m": str(day.month),
        "%B": months[day.month - 1],
        "%b": months[day.month - 1][:3],
        "%A": days[day.weekday()],
        "%a": days[day.weekday()][:3],
        "%p": "AM",
        "%F": day.isoformat(),
    }
    return words.get(code) or day.strftime(code)
