"""How a client loads the chosen adapter: README.md beside its weights, from which the model card takes the commands."""

from pathlib import Path

from plateau.core import files
from plateau.core.system import System
from plateau.lm.base import SOURCE
from plateau.metrics.evaluations import Point
from plateau.metrics.selection import Selection

_FILE = "README.md"
_BEGIN, _END = "## How to load\n", "## More\n"
_PAGE = """\
---
library_name: mlx
tags: [mlx, lora, plateau]
---
# Adapter of {system}

{reason}.
Validation loss {loss:.6g} nats a token (perplexity {perplexity:.6g}) after
{tokens:,} trained tokens; sha256 `{sha256}`.

{begin}
{commands}
{end}
The model card, `adapters/README.md`, says what the adapter was trained on, what it scores and whether it should ship.
"""
_COMMANDS = """\
The tokenizer with its chat template lies beside the weights. A prompt is what `data/mlx/test.jsonl` holds as the user's message.

```bash
mlx_lm.generate --model {base} --adapter-path adapters/best{option} --max-tokens 500 --prompt "$(head -1 data/mlx/test.jsonl | python -c 'import json; print(json.loads(input())["messages"][0]["content"])')"
```

```python
import json

from mlx_lm import generate, load

model, tokenizer = load("{base}", adapter_path="adapters/best")
{line}with open("data/mlx/test.jsonl", encoding="utf-8") as rows:
    messages = json.loads(rows.readline())["messages"][:1]
prompt = tokenizer.apply_chat_template(messages, add_generation_prompt=True)
print(generate(model, tokenizer, prompt, max_tokens=500))
```
"""


def write(folder: Path, system: System, chosen: Selection, point: Point, stop: str | None) -> None:
    """Write README.md into an adapter's folder; `stop` is a token at which clients must be told to end, if there is one."""
    base = system.path("models", "base")
    page = _PAGE.format(
        system=system.path().resolve().name if system.root.name else "the contact-centre system",
        reason=f"{chosen.reason[0].upper()}{chosen.reason[1:]}",
        loss=chosen.val_loss,
        perplexity=chosen.val_perplexity,
        tokens=point.trained_tokens or 0,
        sha256=point.sha256,
        begin=_BEGIN,
        commands=_COMMANDS.format(
            base=_name(base),
            option="" if stop is None else f" --extra-eos-token '{stop}'",
            line="" if stop is None else f'tokenizer.add_eos_token("{stop}")\n',
        ),
        end=_END,
    )
    (folder / _FILE).write_text(page, encoding="utf-8")


def commands(system: System) -> str:
    """The commands that load the chosen adapter, in Markdown, from the README.md beside it."""
    text = system.path("adapters", "best", _FILE).read_text(encoding="utf-8")
    return text.partition(_BEGIN)[2].partition(_END)[0].strip("\n")


def _name(base: Path) -> str:
    """What clients load as the base model: its repository on the hub, its folder, or the copy in models/base."""
    if not (base / SOURCE).exists():
        return "models/base"
    source = files.read_json(base / SOURCE)
    return str(source.get("repo") or source["path"])
