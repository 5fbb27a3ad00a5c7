"""The model card, in the format of the Hugging Face hub: what the adapter is, what it was trained on, and the evidence for it."""

import re
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import yaml
from markupsafe import Markup

from plateau.core.figures import value_of
from plateau.metrics.evaluate import Arm
from plateau.metrics.files import Files
from plateau.report import evidence, health, page, report
from plateau.report.text import flat, plain

DATA = ("prepare", "split", "convert")
YAML_LESS_THAN = "\\x3C"


def write_card(composed: page.Page, run: Files, params: Mapping[str, Any], loading: str) -> str:
    """The card as Markdown with YAML front matter, as ModelCard of huggingface_hub writes it; `loading` are commands in Markdown."""
    from huggingface_hub import ModelCard, ModelCardData

    knobs, model, title = params["report"], str(params["model"]), plain(composed.title)
    data = ModelCardData(
        base_model=model.partition("@")[0] if "@" in model else None,
        library_name="mlx",
        license=knobs["license"],
        license_name=knobs["license_name"],
        license_link=knobs["license_link"],
        pipeline_tag="text-generation",
        tags=["mlx", params["fine_tune_type"], "plateau"],
        model_name=title,
        eval_results=list(_results(run.evaluate.arm("adapter"), title)),
    )
    content = {
        "page": composed,
        "figures": run,
        "params": params,
        "sha256": report.sha256(run),
        "loading": Markup(loading),  # noqa: S704 (commands of plateau.decision.loading)
        "data": [table for name in DATA for table in health.tables(name, getattr(run, name))],
        "arms": evidence.arm_table(run.evaluate.arms),
        "settings": [row for row in flat(params) if not row[0].startswith("report.")],
    }
    front = Markup(f"---\n{data.to_yaml()}\n---\n")  # noqa: S704 (YAML writes its own escapes)
    return _without_markup(str(ModelCard(page.render("card.md.j2", {**content, "front": front}))))


def _without_markup(card: str) -> str:
    """The card with every "<" in its front matter written as a YAML escape, so that no viewer reads markup in it."""
    _, front, rest = re.split(r"^---\n", card, maxsplit=2, flags=re.MULTILINE)
    if "<" not in front:
        return card
    values = yaml.safe_load(front)
    quoted = yaml.dump(values, Dumper=_Quoting, sort_keys=False, allow_unicode=True, width=sys.maxsize)
    return f"---\n{quoted.replace('<', YAML_LESS_THAN)}---\n{rest}"


class _Quoting(yaml.SafeDumper):
    """Puts texts with a "<" into double quotes, where YAML has escapes."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, '"' if "<" in text else None)


_Quoting.add_representer(str, _text)


def _results(arm: Arm, title: str) -> Iterator[Any]:
    """The adapter's figures on the test split as the hub's leaderboards read them."""
    from huggingface_hub import EvalResult

    figures = {
        "loss": value_of(arm.loss),
        "perplexity": arm.perplexity,
        "schema_valid": value_of(arm.schema_valid),
        "score": value_of(arm.score),
    }
    figures |= {f"score of {name}": field.score.value for name, field in (arm.fields or {}).items()}
    for name, value in figures.items():
        if value is not None:
            yield EvalResult(
                task_type="text-generation",
                dataset_type="held-out",
                dataset_name=f"{title}, test split",
                metric_type=name,
                metric_value=value,
            )
