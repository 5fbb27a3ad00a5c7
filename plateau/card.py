"""The model card, in the format of the Hugging Face hub: what the adapter is, what it was trained on, what speaks for it."""

from collections.abc import Iterator
from typing import Any

from markupsafe import Markup

from plateau import report
from plateau.report import Figures
from plateau.text import plain


def write_card(content: Figures) -> str:
    """The card as Markdown with YAML front matter, from what `report.content` returns."""
    from huggingface_hub import ModelCardData

    title = plain(content["title"])
    model = str(content["settings"]["model"])
    data = ModelCardData(
        base_model=model.partition("@")[0] if "/" in model else None,
        library_name="mlx",
        license="other",
        license_name="to-be-set",
        pipeline_tag="text-generation",
        tags=["mlx", "lora", "plateau"],
        model_name=title,
        eval_results=list(_results(content["evaluate"], title)),
    )
    front = Markup(data.to_yaml())  # noqa: S704 (YAML writes its own escapes)
    return report.render("card.md.j2", {**content, "front": front})


def _results(evaluate: Figures, title: str) -> Iterator[Any]:
    """The adapter's figures on the test split as the hub's leaderboards read them."""
    from huggingface_hub import EvalResult

    arm = evaluate["arms"]["adapter"]
    figures = {name: arm.get(name) for name in ("loss", "perplexity", "schema_valid", "score")}
    figures |= {f"score of {name}": field["score"] for name, field in arm.get("fields", {}).items()}
    for name, value in figures.items():
        if value is not None:
            yield EvalResult(
                task_type="text-generation",
                dataset_type="held-out",
                dataset_name=f"{title}, test split",
                metric_type=name,
                metric_value=value,
            )
