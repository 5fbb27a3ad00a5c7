"""What follows from a definition is written by `make sync`, stands in the repository as written, and keeps every value."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from plateau.core import params
from plateau.core.definitions import PARAMS
from plateau.core.errors import BadInputError
from plateau.core.param import Param, Section, integer, leaves, text
from plateau.core.version import SCHEMA_VERSION
from tools import effects, goldens, params_file, sync

each_system = pytest.mark.parametrize("system", sync.systems(), ids=lambda path: path.name)
SMALL = (
    Param("lr", {"type": "number"}, 1e-5, "learning rate"),
    Param("size", integer(0, 9), 3, "rows", ", at most 9"),
    Section("train", "how it is done", (Param("name", text(), "x", "name"), Param("days", {}, [], "days"))),
    Section("extra", "what few have", (Param("seed", integer(0, 9), 0, "seed"),), optional=True),
)


def test_the_schema_of_params_is_that_of_the_definitions() -> None:
    written = params_file.json_schema(json.loads(sync.MAPPING.read_text(encoding="utf-8")))
    assert json.loads(sync.SCHEMA.read_text(encoding="utf-8")) == written, "run `make sync`"


def test_what_of_a_module_can_change_an_output_is_written_for_dvc() -> None:
    written = {effects.place(module): effects.effect(module) for module in effects.modules()}
    assert {path: path.read_text(encoding="utf-8") for path in effects.FOLDER.iterdir()} == written, "run `make sync`"


@each_system
def test_keys_and_comments_of_params_are_those_of_the_definitions(system: Path) -> None:
    text = (system / "params.yaml").read_text(encoding="utf-8")
    header = text.splitlines()[0].rpartition("=")[2]
    assert params_file.synced(text, header) == text, "run `make sync`"


@each_system
def test_another_value_is_no_difference(system: Path) -> None:
    text = re.sub(r"(?m)^lr: .*$", "lr: 3.0e-4  # tried", (system / "params.yaml").read_text(encoding="utf-8"))
    assert params_file.synced(text, text.splitlines()[0].rpartition("=")[2]) == text


def test_a_missing_key_is_added_and_an_unknown_one_stays_for_the_loader_to_refuse() -> None:
    before = "train:\n  mine: [1]\n  days: [2, 3]\nlr: 2e-4\n"
    after = params_file.synced(before, "s.json", SMALL)
    assert params_file.added(before, SMALL) == ["size", "train.name"]
    assert after.partition("\n\n")[2] == (
        "# Learning rate.\nlr: 2e-4\n# Rows, at most 9.\nsize: 3\n\n"
        "# How it is done.\ntrain:\n  # Name.\n  name: x\n  # Days.\n  days:\n  - 2\n  - 3\n  mine:\n  - 1\n"
    )


def test_a_comment_of_the_system_stays_and_one_of_an_earlier_definition_is_replaced_and_said() -> None:
    before = "# Rate.\n# Here: tuned by hand,\n# twice.\nlr: 0.1 # so far\nsize: 1\ntrain:\n  days: # none\n  # Here: x\n  name: y\n"
    after = params_file.synced(before, "s.json", SMALL)
    assert "# Learning rate.\n# Here: tuned by hand,\n# twice.\nlr: 0.1 # so far\n" in after
    assert "  # Here: x\n  name: y\n" in after
    assert "  days: # none\n" in after
    assert params_file.comments_lost(before, after) == ["# Rate."]


def test_a_default_is_written_as_dvc_reads_it() -> None:
    after = params_file.synced("size: 1\ntrain: {}\n", "s.json", SMALL)
    assert "lr: 1.0e-05\n" in after


def test_the_version_of_the_form_is_the_one_value_that_sync_writes() -> None:
    before = (sync.ROOT / "params.yaml").read_text(encoding="utf-8")
    old = before.replace(f"schema_version: {SCHEMA_VERSION}", "schema_version: 0")
    assert old != before
    assert params_file.synced(old, before.splitlines()[0].rpartition("=")[2]) == before


@pytest.mark.parametrize("broken", ["lr: [", "lr: 1\nlr: 2", "\tlr: 1"])
def test_a_file_that_is_no_yaml_is_refused_and_nothing_is_written(broken: str) -> None:
    with pytest.raises(BadInputError, match="not valid YAML"):
        params_file.synced(broken, "s.json", SMALL)


words = st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")))
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | words
values = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(words, inner), max_leaves=6)


@given(st.dictionaries(st.sampled_from(["lr", "size", "days"]), values), st.booleans())
def test_whatever_the_values_are_they_stay_and_a_second_run_changes_nothing(
    given: dict[str, Any], as_json: bool
) -> None:
    whole = {**{key: value for key, value in given.items() if key != "days"}, "train": {"days": given.get("days")}}
    before = json.dumps(whole) if as_json else params_file.dumped(whole)
    read = params.parse(before)
    after = params_file.synced(before, "s.json", SMALL)
    now = params.parse(after)
    assert {key: now[key] for key in read if key != "train"} == {key: read[key] for key in read if key != "train"}
    assert now["train"]["days"] == read["train"]["days"]
    assert params_file.synced(after, "s.json", SMALL) == after


def test_every_number_has_bounds() -> None:
    def bounded(values: dict[str, Any]) -> bool:
        kinds = values.get("type", [])
        numeric = {"integer", "number"} & {*([kinds] if isinstance(kinds, str) else kinds)}
        below = ("minimum", "exclusiveMinimum") if numeric else ()
        above = ("maximum", "exclusiveMaximum") if numeric else ()
        return (not numeric) or (any(b in values for b in below) and any(a in values for a in above))

    assert [".".join(keys) for keys, param in leaves(PARAMS) if not bounded(param.values)] == []


def test_every_default_is_allowed_by_its_definition(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_text(params_file.synced("{}", "s.json"), encoding="utf-8")
    assert set(params.check(path)) == {
        param.name for param in PARAMS if not (isinstance(param, Section) and param.optional)
    }


@pytest.mark.slow
def test_a_param_a_stage_and_a_system_are_each_added_in_one_place(tmp_path: Path) -> None:
    clone = goldens.copied(tmp_path / "clone")
    replaced(
        clone / "plateau/core/definitions/knobs.py",
        'Param("patience"',
        'Param("pace", {"type": "boolean"}, True, "walk"),\n    Param("patience"',
    )
    replaced(clone / "stages/overfit_check.py", "PARAMS = (", 'PARAMS = ("pace", ')
    replaced(
        clone / "stages/pipeline.yaml",
        "\n\nmetrics:",
        "\n  count:\n    desc: Count.\n    deps: [data/raw]\n    outs: [metrics/n.json]\n\nmetrics:",
    )
    (clone / "stages" / "count.py").write_text(
        'PARAMS = ("lr",)\n\n\ndef main(system, values):\n    print(values["lr"])\n', encoding="utf-8"
    )
    (clone / "systems" / "mine").mkdir()
    (clone / "systems" / "mine" / "params.yaml").write_text("{}\n", encoding="utf-8")
    said = subprocess.run(
        [sys.executable, "-m", "tools.sync"], cwd=clone, capture_output=True, text=True, check=True
    ).stdout
    assert "params.yaml: added pace with its default\n" in said
    assert "overfit_check: PARAMS names pace, which no code reads\n" in said
    for folder in (clone, clone / "systems" / "star", clone / "systems" / "mine"):
        stages = yaml.safe_load((folder / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
        assert "# Walk.\npace: true\n" in (folder / "params.yaml").read_text(encoding="utf-8")
        reading = [name for name, stage in stages.items() if "pace" in json.dumps(stage.get("params", ()))]
        assert reading == ["overfit_check", "report"]  # which shows every param
        assert stages["count"]["cmd"].startswith("python -m stages.count")
    assert "`pace`" in (clone / "docs" / "params.md").read_text(encoding="utf-8")
    again = subprocess.run(
        [sys.executable, "-m", "tools.sync"], cwd=clone, capture_output=True, text=True, check=True
    ).stdout
    assert "wrote" not in again


def replaced(path: Path, old: str, new: str) -> None:
    """Edit a file in one place."""
    text = path.read_text(encoding="utf-8")
    assert old in text, path
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
