"""One fact has one home: counts over the code that a half-done change of form would leave wrong."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
CODE = [path for folder in ("plateau", "stages") for path in sorted((ROOT / folder).rglob("*.py"))]
# Packages of an earlier layout; CHANGELOG.md alone may name them.
OLD_PACKAGES = (
    "tables",
    "ingest",
    "temporal",
    "scores",
    "splitting",
    "run",
    "outputs",
    "measures",
    "verdict",
    "choice",
    "pages",
    "tools",
)


def tracked_texts() -> Iterator[tuple[str, str]]:
    """Every file of text that git tracks, with its path."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in listed.splitlines():
        try:
            yield name, (ROOT / name).read_text(encoding="utf-8")
        except (UnicodeDecodeError, FileNotFoundError):
            continue


def test_no_file_but_the_changelog_names_an_old_package() -> None:
    old = re.compile(rf"\bplateau[./]({'|'.join(OLD_PACKAGES)})\b")
    named = [
        name
        for name, text in tracked_texts()
        if name != "CHANGELOG.md" and not name.endswith("dvc.lock") and old.search(text)
    ]
    assert named == []


@pytest.mark.parametrize("path", CODE, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_module_does_more_than_re_export(path: Path) -> None:
    body = ast.parse(path.read_text(encoding="utf-8")).body
    rest = [node for node in body if not isinstance(node, ast.Expr)]
    assert not rest or not all(isinstance(node, ast.Import | ast.ImportFrom) for node in rest)


def test_no_file_names_a_path_outside_the_repository() -> None:
    outside = re.compile(r"\.\./shared")
    assert [name for name, text in tracked_texts() if name != "tests/test_house.py" and outside.search(text)] == []


def words(path: Path) -> Iterator[str]:
    """The literals of a module that are texts, docstrings and messages with spaces left aside."""
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    yield from (
        n.value for n in nodes if isinstance(n, ast.Constant) and isinstance(n.value, str) and " " not in n.value
    )


def test_only_the_registry_of_arms_knows_how_their_names_are_made() -> None:
    made = re.compile(r"_constrained\b|\b(base|adapter|fused|majority|linear)_on_|^_on_$")
    registry = ROOT / "plateau" / "evaluation" / "arms.py"
    named = {path.name: word for path in CODE if path != registry for word in words(path) if made.search(word)}
    assert named == {}


def test_a_gate_compares_with_its_limit_and_with_no_number_of_its_own() -> None:
    tree = ast.parse((ROOT / "plateau" / "decision" / "gates.py").read_text(encoding="utf-8"))
    gates = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and ast.unparse(node.func) == "Gate"]
    assert len(gates) > 20
    assert [ast.unparse(gate.args[2]) for gate in gates if isinstance(gate.args[2], ast.Constant)] == ["'healthy'"]
    judging = ast.parse((ROOT / "plateau" / "decision" / "judging.py").read_text(encoding="utf-8"))
    rows = [call for call in ast.walk(judging) if isinstance(call, ast.Call) and ast.unparse(call.func) == "row"]
    assert [ast.unparse(call) for call in rows] == [
        "row(gate.criterion, gate.rule, gate.target(params), gate.figure(overfit, evaluate), gate.rows(evaluate))",
        "row(one.name, one.rule, one.target, it.actual, it.rows)",
    ]


def test_one_module_reads_how_schemas_are_joined() -> None:
    joining = re.compile(r"\$ref|allOf|anyOf")
    code = [*CODE, *sorted((ROOT / "tools").glob("*.py"))]
    named = [path.relative_to(ROOT).as_posix() for path in code if joining.search(path.read_text(encoding="utf-8"))]
    assert named == ["plateau/data/schema.py"]


def test_nothing_but_the_registry_asks_of_what_kind_a_field_is() -> None:
    asking = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in CODE
        if path.parts[-2] in ("splits", "evaluation", "decision", "report", "stages")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Compare | ast.Match)
        for inner in ast.walk(node.left if isinstance(node, ast.Compare) else node.subject)
        if isinstance(inner, ast.Attribute) and inner.attr == "kind"
    ]
    assert asking == []


UNTYPED = re.compile(r"\b(Mapping|dict)\[str, (Any|object)\]")
BETWEEN_STAGES = ("training", "evaluation", "decision", "splits", "metrics")
# Functions that take or give a mapping of anything, and why; a figure of a metrics file is never in one.
TAKES_ANYTHING = {
    "answers.effect_on": "data/answers.json, which evaluate reads as AdapterEffect",
    "criteria.of": "an entry of gates.criteria",
    "criteria.read": "entries of gates.criteria",
    "judging.judge": "a section of params",
    "judging.rows": "a section of params",
    "gates.target": "a section of params",
    "label_noise.judge": "sparse matrices of scikit-learn, which has no types",
    "partition.divide": "a section of params",
    "partition.summary": "a section of params",
    "partition.survey": "a section of params",
    "quality.valid_scores": "a section of params",
    "registry.kind_of": "an entry of evaluate.scores",
    "schema.schema": "a JSON Schema",
    "scoring.learnt": "entries of evaluate.scores",
    "unsealing.evaluated": "sections of params",
}


def untyped(path: Path) -> Iterator[str]:
    """Public functions of a module with a mapping of anything among their parameters or as their result."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    named = [node for node in tree.body if isinstance(node, ast.Assign) and UNTYPED.search(ast.unparse(node.value))]
    aliases = {ast.unparse(node.targets[0]) for node in named}
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            found = [one.annotation for one in [*node.args.args, *node.args.kwonlyargs]] + [node.returns]
            words = [ast.unparse(annotation) for annotation in found if annotation]
            if any(UNTYPED.search(word) or word in aliases for word in words):
                yield f"{path.stem}.{node.name}"


def test_figures_travel_between_stages_as_classes() -> None:
    folders = [ROOT / "plateau" / name for name in BETWEEN_STAGES] + [ROOT / "stages"]
    found = {name for folder in folders for path in folder.rglob("*.py") for name in untyped(path)}
    assert found == set(TAKES_ANYTHING)
    assert len(found) <= 20
