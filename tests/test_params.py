"""params.yaml is read by YAML 1.2 rules, checked whole, and a mistake costs one line and exit status 2."""

import itertools
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from plateau.core import checks, params
from plateau.core.definitions import PARAMS
from plateau.core.definitions.data import COLUMNS
from plateau.core.errors import BadInputError
from plateau.core.param import leaves
from plateau.core.system import System
from plateau.data import calendar, history, records

ROOT = Path(__file__).parent.parent
SYSTEMS = [ROOT, *sorted(path.parent for path in ROOT.glob("systems/*/params.yaml"))]
SCHEMA = json.loads((ROOT / "schemas" / "params.schema.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-5", 1e-5),
        ("1e-05", 1e-5),
        ("1.0e-05", 1e-5),
        ("1E+5", 1e5),
        ("1e5", 1e5),
        (".5", 0.5),
        ("-.5", -0.5),
        ("5.", 5.0),
        ("0.0", 0.0),
        ("12", 12),
        ("-1", -1),
        ("0", 0),
        ("010", 10),
        ("1_000", "1_000"),
        ("1:30", "1:30"),
        ("0x10", "0x10"),
        (".nan", ".nan"),
        ("-.inf", "-.inf"),
        ("NO", "NO"),
        ("on", "on"),
        ("true", True),
        ("null", None),
        ("~", None),
        ("2025-01-01", "2025-01-01"),
        ("fast", "fast"),
        ("1e", "1e"),
        (".", "."),
        ("e5", "e5"),
        ("'1e-5'", "1e-5"),
    ],
)
def test_a_plain_scalar_is_read_as_yaml_1_2_reads_it(text: str, value: object) -> None:
    read = params.parse(f"key: {text}")["key"]
    assert (read, type(read)) == (value, type(value))


@given(st.floats(allow_nan=False, allow_infinity=False), st.sampled_from(["{!r}", "{:e}", "{:.17g}", "{:E}"]))
def test_every_way_to_write_a_number_reads_as_that_number(number: float, form: str) -> None:
    text = form.format(number)
    read = params.parse(f"lr: {text}")["lr"]
    assert not isinstance(read, str)
    assert read == float(text)


def test_a_loader_that_others_patch_changes_nothing() -> None:
    code = """
import yaml
from plateau.core import params
before = params.parse("a: 1e-5\\nb: 010\\nc: NO\\nd: 12")
import re
yaml.SafeLoader.add_implicit_resolver("tag:yaml.org,2002:float", re.compile(".*"), list("-+0123456789.N"))
import mlx_lm.lora
after = params.parse("a: 1e-5\\nb: 010\\nc: NO\\nd: 12")
assert before == after == {"a": 1e-5, "b": 10, "c": "NO", "d": 12}, (before, after)
assert [type(v) for v in after.values()] == [float, int, str, int]
"""
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], cwd=ROOT, check=False)
    assert done.returncode == 0


def edited(folder: Path, pattern: str, replacement: str) -> Path:
    """A copy of the root's params.yaml in which `pattern` is replaced once."""
    text, count = re.subn(pattern, replacement, (ROOT / "params.yaml").read_text(encoding="utf-8"), count=1, flags=re.M)
    assert count == 1, pattern
    path = folder / "params.yaml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("pattern", "replacement", "message"),
    [
        (r"^lr: .*", "lr: fast", 'lr: "fast" is not allowed: it must be of type number (peak learning rate)'),
        (r"^lr: .*", "lr: '1e-5'", 'lr: "1e-5" is not allowed: it must be of type number'),
        (r"^lr: .*", "lr: .nan", "it must be of type number"),
        (r"^lr: .*", "lr: 1e999", "it must be of type number"),
        (r"^lr: .*", "lr: true", "lr: true is not allowed: it must be of type number"),
        (r"^lr: .*", "lr: 0", "lr: 0 is not allowed: it must be greater than 0"),
        (r"^lr: .*", "lr:", "lr: null is not allowed"),
        (r"^lr: .*", "lrr: 1", "unknown key 'lrr'; did you mean 'lr'?"),
        (r"^lr: .*", "", "missing key 'lr'"),
        (r"^rank: .*", "rank: 16.0", "rank: 16.0 is not allowed: it must be of type integer"),
        (r"^rank: .*", "rank: 0", "rank: 0 is not allowed: it must be at least 1"),
        (r"^dropout: .*", "dropout: 1", "dropout: 1 is not allowed: it must be less than 1"),
        (r"^lr_schedule: .*", "lr_schedule: cosin", "it must be one of constant, linear, cosine"),
        (r"^  policy: .*", "  polcy: best", "unknown key 'selection.polcy'; did you mean 'policy'?"),
        (r"^  policy: .*", "  policy: luck", 'selection.policy: "luck" is not allowed: it must be one of'),
        (r"^    friday: .*", "    fryday: 08:00-20:00", "unknown key 'temporal.business_hours.fryday'; did you"),
        (
            r"^    friday: .*",
            "    friday: 8am-20:00",
            'temporal.business_hours.friday: "8am-20:00" is not allowed: write it like 08:00-20:00 (opening and closing time',
        ),
        (r"^    friday: .*", '    friday: ["08:00", "20:00"]', "it must be of type string (opening and"),
        (
            r"^  arms:\n(  - .*\n)+",
            "  arms: [adapter]\n",
            "evaluate.arms: [\"adapter\"] is not allowed: it must name 'base'",
        ),
        (r"^seed: 0", "seed: 0\nzzz: 1", "unknown key 'zzz'; known keys: model, lr,"),
        (r"^seed: 0", "seed: 0\n1: 1", "unknown key '1'"),
        (r"^seed: 0", "seed: 0\nlr: 1.0e-05", "not valid YAML: key 'lr' stands twice"),
        (r"^seed: 0", "seed: [0", "not valid YAML"),
        (r"^seed: 0", "seed: 0\n? [a]\n: 1", "not valid YAML"),
    ],
)
def test_a_mistake_is_named_with_its_place_and_what_to_write(
    tmp_path: Path, pattern: str, replacement: str, message: str
) -> None:
    path = edited(tmp_path, pattern, replacement)
    with pytest.raises(BadInputError, match=re.escape(message)) as caught:
        params.check(path)
    assert all(line.startswith(f"{path}: ") for line in str(caught.value).splitlines())


def changed(folder: Path, changes: dict[str, Any]) -> Path:
    """The root's params.yaml with other values, dotted keys."""
    values = params.parse((ROOT / "params.yaml").read_text(encoding="utf-8"))
    for key, value in changes.items():
        put(values, key, value)
    path = folder / "params.yaml"
    path.write_text(yaml.safe_dump(values), encoding="utf-8")
    return path


def put(values: dict[str, Any], key: str, value: Any) -> None:
    """Set a dotted key."""
    *above, name = key.split(".")
    for part in above:
        values = values[part]
    values[name] = value


LEAVES = [".".join(keys) for keys, _ in leaves(PARAMS)]
HUGE = [5 * 10**9, 10**400, 1e300]
WRONG = [
    -1,
    0,
    *HUGE,
    float("nan"),
    float("inf"),
    "yes",
    "5%",
    "1e-5",
    "",
    None,
    [],
    [1],
    {},
    {"a": 1},
    True,
    "x" * 10**6,
]


@pytest.mark.parametrize("key", LEAVES)
def test_a_value_is_refused_in_one_line_or_allowed_by_its_definition(key: str) -> None:
    definition = dict(leaves(PARAMS))[tuple(key.split("."))].values
    whole = params.parse((ROOT / "params.yaml").read_text(encoding="utf-8"))
    for value in WRONG:
        put(whole, key, value)
        try:
            checks.refuse(whole, "params.yaml")
        except BadInputError as error:
            lines = str(error).splitlines()
            assert len(lines) == 1 or (key == "prepare.mapping" and isinstance(value, dict)), lines
            assert all(line.startswith("params.yaml: ") and key in line and len(line) < 600 for line in lines)
        else:
            assert value not in HUGE, "every number has a maximum"
            assert value in definition.get("enum", [value])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"prepare.privacy.region": "UK"}, 'region: "UK" is not allowed: it is no country of ISO 3166; write GB ('),
        ({"prepare.privacy.region": "us"}, 'region: "us" is not allowed: write it like US ('),
        ({"convert.context": ["target"]}, 'convert.context.0: "target" is not allowed: it must be one of id, start,'),
        ({"convert.context": ["turns"]}, 'convert.context.0: "turns" is not allowed'),
        ({"split.group_by": "target"}, 'split.group_by: "target" is not allowed: it must be one of id, start,'),
        ({"split.group_by": "customer"}, "agent_id"),
        ({"temporal.holidays": "__name__"}, "it is no country code of the holidays library, such as US or US-CA; null"),
        ({"temporal.holidays": "US-XX"}, "it is no country code of the holidays library"),
        ({"temporal.holidays": "us"}, "it is no country code of the holidays library"),
        ({"temporal.time_zone": "localtime"}, "write a place of the IANA database, such as Europe/Berlin, or UTC"),
        ({"temporal.time_zone": "EST"}, 'temporal.time_zone: "EST" is not allowed: '),
        ({"temporal.time_zone": "Europe/Berlni"}, "did you mean 'Europe/Berlin'?"),
        ({"temporal.time_zone": "../../etc/passwd"}, "is not allowed"),
        (
            {"temporal.closed_dates": ["2025-02-30"]},
            'closed_dates.0: "2025-02-30" is not allowed: no calendar has that',
        ),
        ({"temporal.closed_dates": ["24.12.2025"]}, "write it like 2025-12-24"),
        (
            {"synthesize.start": "2025-02-30"},
            'synthesize.start: "2025-02-30" is not allowed: no calendar has that day (',
        ),
        (
            {"convert.template_date": "2025-13-01"},
            'convert.template_date: "2025-13-01" is not allowed: no calendar has',
        ),
        (
            {"synthesize.end": "9999-12-31"},
            '"9999-12-31" is not allowed: it must lie between 1900-01-01 and 2199-12-31',
        ),
        ({"synthesize.start": "0001-01-01"}, "it must lie between 1900-01-01 and 2199-12-31"),
        ({"temporal.holidays": "EST"}, "it is no country code of the holidays library"),
        ({"temporal.time_zone": "Etc/GMT+5"}, 'temporal.time_zone: "Etc/GMT+5" is not allowed: '),
        (
            {"temporal.peak_months": [1, 1]},
            "temporal.peak_months: [1, 1] is not allowed: nothing may stand in it twice",
        ),
        ({"evaluate.temperature": 1e-300}, "temperature: 1e-300 is not allowed: it must be at least 1e-30"),
        ({"lr": 1e-300}, "lr: 1e-300 is not allowed: it must be at least 1e-30"),
        ({"prepare.scheduler": "yes"}, 'prepare.scheduler: "yes" is not allowed: write it like tcp://10.0.0.1:8786'),
        ({"report.license": "apache2"}, "the hub knows no such licence; did you mean 'apache-2.0'?"),
        ({"report.license": "yes"}, "the hub knows no such licence; write other, and its name as license_name"),
        ({"synthesize.start": "2026-01-01"}, "it must not be after synthesize.end, 2025-12-31"),
        ({"num_layers": 0}, "num_layers: 0 is not allowed: it must not be 0 (transformer layers"),
        ({"scale": 1e300}, "scale: 1e+300 is not allowed: it must be at most 10000"),
        (
            {"train.grad_checkpoint": True, "dropout": 0.1},
            "train.grad_checkpoint: true is not allowed: not with dropout",
        ),
        (
            {"train.stopping_threshold": 2.0, "train.divergence_threshold": 1.0},
            "train.stopping_threshold: 2.0 is not allowed: it must be less than train.divergence_threshold, 1.0",
        ),
        ({"report.license": "MIT"}, 'report.license: "MIT" is not allowed: write it like apache-2.0 ('),
        ({"report.license": "other"}, "report.license_name: null is not allowed: a licence that is other needs a name"),
        ({"report.license_name": "house"}, 'license_name: "house" is not allowed: only where report.license is other'),
        (
            {"report.license": "other", "report.license_name": "x", "report.license_link": "a b"},
            "write it like https://",
        ),
        ({"prepare.max_rejected": "5%"}, 'max_rejected: "5%" is not allowed: it must be of type number'),
        ({"evaluate.arms": []}, "evaluate.arms: [] is not allowed"),
        ({"evaluate.arms": ["fused"]}, "evaluate.arms: [\"fused\"] is not allowed: it must name 'base' and 'adapter'"),
        ({"lr_schedule": None}, "lr_schedule: null is not allowed: it must be of type string"),
        ({"seed": 10**400}, "it must be at most 4294967295"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_people_type_by_mistake_is_refused_before_any_work_in_one_line(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    path = changed(tmp_path, changes)
    with pytest.raises(BadInputError, match=re.escape(message)) as caught:
        params.check(path)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"prepare.privacy.region": "GB"},
        {"prepare.privacy.region": None},
        {"temporal.time_zone": "UTC"},
        {"temporal.time_zone": "Asia/Kolkata"},
        {"temporal.holidays": "DE-BY"},
        {"temporal.holidays": None},
        {"temporal.closed_dates": ["2024-02-29"]},
        {"synthesize.start": "2025-12-31"},
        {"num_layers": 1},
        {"train.grad_checkpoint": True},
        {"report.license": "cc-by-nc-4.0"},
        {"report.license": "other", "report.license_name": "house", "report.license_link": "LICENSE"},
        {"convert.context": list(COLUMNS)},
    ],
    ids=str,
)
def test_what_is_meant_is_allowed(tmp_path: Path, changes: dict[str, Any]) -> None:
    params.check(changed(tmp_path, changes))


def test_wrong_items_are_a_line_each_and_the_list_none(tmp_path: Path) -> None:
    with pytest.raises(BadInputError) as caught:
        params.check(changed(tmp_path, {"temporal.peak_months": ["May", "May"]}))
    assert [line.split(": ")[1] for line in str(caught.value).splitlines()] == [
        "temporal.peak_months.0",
        "temporal.peak_months.1",
    ]


def test_what_a_mapping_lacks_stands_in_the_docs(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"missing key 'prepare\.mapping\.analyses'; docs/your-own-data"):
        params.check(changed(tmp_path, {"prepare.mapping": {"transcripts": {}}}))


def test_a_key_that_is_misspelt_is_one_line(tmp_path: Path) -> None:
    for pattern, replacement in ((r"^lr: .*", "lrr: 1"), (r"^  policy: .*", "  polcy: best")):
        with pytest.raises(BadInputError, match="did you mean") as caught:
            params.check(edited(tmp_path, pattern, replacement))
        assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("text", [f"lr: {'[' * 3000}", "lr: &a [*a]", f"lr: {'9' * 5000}", "lr: {a: &b {c: *b}}"])
def test_yaml_that_is_deep_endless_or_too_long_is_refused_in_one_line(tmp_path: Path, text: str) -> None:
    with pytest.raises(BadInputError) as caught:
        params.check(edited(tmp_path, r"^lr: .*", text))
    assert len(str(caught.value).splitlines()) == 1


def test_the_columns_that_a_prompt_or_a_split_may_name_are_those_of_the_rows() -> None:
    utc = np.array(["2025-01-01T10:00"], "datetime64[us]")
    options = params.check(ROOT / "params.yaml")["temporal"]
    added = {**calendar.features(utc, options), **history.features(utc, pa.array(["k"]))}
    rows = [name for name in records.SCHEMA.names if name not in ("turns", "target")]
    assert list(COLUMNS) == [*rows, *added]


@pytest.mark.parametrize("hours", ["00:00-24:00", "22:00-06:00", "24:00-08:30", "09:59-19:59", "23:59-23:59"])
def test_times_of_day_may_run_to_and_past_midnight(tmp_path: Path, hours: str) -> None:
    path = edited(tmp_path, r"^    friday: .*", f"    friday: {hours}")
    assert params.check(path)["temporal"]["business_hours"]["friday"] == hours


@pytest.mark.parametrize(
    "hours", ["08:00", "8:00-20:00", "08:00-24:01", "25:00-08:00", "08:60-20:00", "08:00-12:00-20:00", "08:00 - 20:00"]
)
def test_times_that_no_clock_shows_are_refused(tmp_path: Path, hours: str) -> None:
    path = edited(tmp_path, r"^    friday: .*", f"    friday: {hours}")
    with pytest.raises(BadInputError, match="write it like 08:00-20:00"):
        params.check(path)


def test_each_of_several_mistakes_gets_one_line(tmp_path: Path) -> None:
    path = edited(tmp_path, r"^lr: .*\n(#.*\n)lr_schedule: .*\n", r"\1")
    with pytest.raises(BadInputError) as caught:
        params.check(path)
    assert str(caught.value).splitlines() == [
        f"{path}: missing key 'lr'; `make sync` adds it",
        f"{path}: missing key 'lr_schedule'; `make sync` adds it",
    ]


@pytest.mark.parametrize("content", [b"", b"- a\n", b"text", b"lr: \xff"])
def test_a_file_that_is_no_mapping_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "params.yaml").write_bytes(content)
    with pytest.raises(BadInputError):
        params.load(System(tmp_path), ())


def test_a_missing_file_is_refused_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="copy the repository's"):
        params.load(System(tmp_path), ())


def test_a_stage_gets_the_keys_it_names_and_no_others() -> None:
    keys = ("lr", "split", "evaluate.confidence", "evaluate.max_tokens")
    whole = params.check(ROOT / "params.yaml")
    assert params.load(System(ROOT), keys) == {
        "lr": whole["lr"],
        "split": whole["split"],
        "evaluate": {name: whole["evaluate"][name] for name in ("confidence", "max_tokens")},
    }


def test_a_section_that_a_stage_needs_and_the_system_lacks_is_named(tmp_path: Path) -> None:
    edited(tmp_path, r"(?s)^synthesize:\n.*?\n\n", "")
    with pytest.raises(BadInputError, match="missing key 'synthesize'"):
        params.load(System(tmp_path), ("synthesize",))
    with pytest.raises(BadInputError, match=r"missing key 'synthesize\.start'"):
        params.load(System(tmp_path), ("synthesize.start",))


@pytest.mark.parametrize("replacement", ["lr: fast", "lrr: 1", "lr: [", "lr: 1\nlr: 2"])
def test_a_real_stage_reports_bad_params_in_one_line_each_and_exits_2(tmp_path: Path, replacement: str) -> None:
    edited(tmp_path, r"^lr: .*", replacement)
    done = stage("temporal", str(tmp_path))
    assert done.returncode == 2, done
    assert "Traceback" not in done.stderr
    assert done.stderr.startswith(f"error: {tmp_path / 'params.yaml'}: ")
    assert done.stdout == ""


@pytest.mark.parametrize("arguments", [["nowhere"], ["a", "b"], ["/dev/null"], [""]])
def test_a_folder_that_is_no_system_is_refused(tmp_path: Path, arguments: list[str]) -> None:
    done = stage("temporal", *arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "not a system folder" in done.stderr or "unrecognized arguments: b; see" in done.stderr
    assert "Traceback" not in done.stderr


def stage(name: str, *arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Run a stage module as DVC does."""
    command = [sys.executable, "-m", f"stages.{name}", *arguments]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)


def properties(schema: dict[str, Any], prefix: str = "") -> dict[str, dict[str, Any]]:
    """Every key that a schema describes, dotted, with its own schema; references are followed."""
    found = {}
    for name, value in schema.get("properties", {}).items():
        target = SCHEMA["$defs"][value["$ref"].rsplit("/", 1)[1]] if "$ref" in value else value
        found[prefix + name] = target
        found |= properties(target, f"{prefix}{name}.")
    return found


def test_every_key_of_the_schema_says_what_it_means() -> None:
    assert [key for key, schema in properties(SCHEMA).items() if not schema.get("description")] == []


def test_no_object_of_the_schema_takes_unknown_keys() -> None:
    objects = {"": SCHEMA} | {key: schema for key, schema in properties(SCHEMA).items() if "properties" in schema}
    assert [key for key, schema in objects.items() if schema.get("additionalProperties") is not False] == []


@pytest.mark.parametrize("system", SYSTEMS, ids=lambda path: path.name)
def test_shipped_params_are_valid_and_name_their_schema(system: Path) -> None:
    params.check(system / "params.yaml")
    header = (system / "params.yaml").read_text(encoding="utf-8").splitlines()[0]
    named = re.fullmatch(r"# yaml-language-server: \$schema=(\S+)", header)
    assert named
    assert (system / named[1]).resolve() == ROOT / "schemas" / "params.schema.json"


def uncommented(text: str) -> list[str]:
    """Keys of params.yaml, sections and their keys, with no comment on the line before."""
    lines = text.splitlines()
    pairs = itertools.pairwise(lines)
    return [line.strip() for before, line in pairs if re.match(r" {0,2}\w+:", line) and "# " not in before]


@pytest.mark.parametrize("system", SYSTEMS, ids=lambda path: path.name)
def test_every_param_has_a_comment(system: Path) -> None:
    text = (system / "params.yaml").read_text(encoding="utf-8")
    assert uncommented(text) == []
    assert uncommented(text.replace("# Peak learning rate.\n", "")) != [] or "# Peak learning rate.\n" not in text


def test_the_root_shows_every_key_that_the_schema_knows() -> None:
    def keys(values: dict[str, Any], prefix: str = "") -> set[str]:
        nested = (keys(value, f"{prefix}{key}.") for key, value in values.items() if isinstance(value, dict))
        return {prefix + key for key in values}.union(*nested)

    open_ended = ("temporal.business_hours.", "prepare.mapping.")
    known = {key for key in properties(SCHEMA) if not key.startswith(open_ended)}
    assert known - keys(params.check(ROOT / "params.yaml")) == set()


@pytest.mark.parametrize("system", SYSTEMS, ids=lambda path: path.name)
def test_dvc_sets_a_rate_that_we_read_as_a_float_and_changes_one_line(tmp_path: Path, system: Path) -> None:
    from dvc.utils.serialize import modify_yaml

    shutil.copy(system / "params.yaml", tmp_path)
    with modify_yaml(str(tmp_path / "params.yaml")) as values:
        values["lr"] = 1e-5
    assert params.load(System(tmp_path), ("lr",)) == {"lr": 1e-5}
    before, after = ((folder / "params.yaml").read_text(encoding="utf-8") for folder in (system, tmp_path))
    assert after == re.sub("^lr: .*$", "lr: 1e-05", before, flags=re.MULTILINE)


@pytest.mark.parametrize("system", SYSTEMS, ids=lambda path: path.name)
@pytest.mark.parametrize("name", ["params.yaml", "dvc.yaml", "dvc.lock"])
def test_dvc_reads_a_file_alike_with_and_without_the_compiled_parser(system: Path, name: str) -> None:
    from dvc.utils.serialize import load_yaml
    from ruamel.yaml import YAML

    assert "CParser" in YAML(typ="safe").Parser.__name__
    assert load_yaml(str(system / name)) == YAML(typ="safe", pure=True).load(system / name)


@pytest.mark.parametrize("name", ["friday", "sunday"])
def test_times_that_dvc_sets_can_be_read_again(tmp_path: Path, name: str) -> None:
    from dvc.utils.hydra import apply_overrides
    from dvc.utils.serialize import load_yaml

    path = tmp_path / "params.yaml"
    shutil.copy(ROOT / "params.yaml", path)
    apply_overrides(path, [f"++temporal.business_hours.{name}=09:00-17:00"])
    expected = params.check(ROOT / "params.yaml")
    expected["temporal"]["business_hours"][name] = "09:00-17:00"
    assert params.check(path) == load_yaml(str(path)) == expected
