"""What of a module can change an output, where the module also holds texts and colours that only pages show.

`make sync` writes it to stages/effects/, and stages depend on that file in place of the module; only a stage with one of the
module's readers depends on the module itself. So a reworded meaning of a figure, or another colour of an arm, trains nothing again.
tests/test_effects.py runs a system with such texts taken out, and holds that the outputs are the same bytes.
"""

import ast
from pathlib import Path

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "stages" / "effects"
# What a module's texts are read by. Of plateau/metrics/ these texts are the docstrings and what stands in Annotated.
READERS = {
    "plateau/evaluation/arms.py": ("plateau/decision/judging.py", "plateau/report/evidence.py"),
    "plateau/metrics/": ("plateau/metrics/schema.py",),
}
# Fields of a registry's entry that are only shown, by the entry's class.
SHOWN = {"Entry": ("colour", "drawn", "label")}


def readers(name: str) -> tuple[str, ...]:
    """The modules that read the texts of a module, all as paths below the repository; none where it has no file in stages/effects/."""
    return next((found for start, found in READERS.items() if name.startswith(start) and name not in found), ())


def modules() -> list[Path]:
    """The modules that have a file in stages/effects/."""
    found = (path for start in READERS for path in ROOT.glob(f"{start}*.py" if start.endswith("/") else start))
    return sorted(path for path in found if readers(path.relative_to(ROOT).as_posix()) and path.name != "__init__.py")


def place(module: Path) -> Path:
    """The file in stages/effects/ of a module."""
    return FOLDER / f"{'.'.join(module.relative_to(ROOT).with_suffix('').parts)}.txt"


def effect(module: Path) -> str:
    """What of a module can change an output, as code."""
    return stripped(module.read_text(encoding="utf-8"))


def stripped(source: str) -> str:
    """Code without comments, docstrings and what is only shown; it runs like the source."""
    tree = ast.parse(source)
    used = _used(tree)
    _Stripped().visit(tree)
    no_more_used = used - _used(tree)
    tree.body = [node for node in tree.body if not _is_text(node) or not _names(node) & no_more_used]
    return f"{ast.unparse(ast.fix_missing_locations(tree))}\n"


class _Stripped(ast.NodeTransformer):
    """Takes out docstrings, texts in Annotated, and the fields of entries that are only shown."""

    def __init__(self) -> None:
        self.fields: dict[str, list[str]] = {}

    def visit(self, node: ast.AST) -> ast.AST:
        """Visit one node."""
        if isinstance(node, ast.ClassDef) and node.name in SHOWN:
            self.fields[node.name] = [ast.unparse(one.target) for one in node.body if isinstance(one, ast.AnnAssign)]
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
            node.body = node.body[1:] or ([] if isinstance(node, ast.Module) else [ast.Pass()])
        if (
            isinstance(node, ast.Subscript)
            and ast.unparse(node.value) == "Annotated"
            and isinstance(node.slice, ast.Tuple)
        ):
            node.slice.elts[1:] = [_Emptied().visit(one) for one in node.slice.elts[1:]]
        if isinstance(node, ast.Call) and ast.unparse(node.func) in SHOWN:
            self._empty(node, ast.unparse(node.func))
        self.generic_visit(node)
        return node

    def _empty(self, call: ast.Call, name: str) -> None:
        """Put 0 or nothing into the fields of an entry that are only shown."""
        for number, field in enumerate(self.fields[name][: len(call.args)]):
            if field in SHOWN[name]:
                call.args[number] = _emptied(call.args[number])
        for keyword in call.keywords:
            if keyword.arg in SHOWN[name]:
                keyword.value = _emptied(keyword.value)


class _Emptied(ast.NodeTransformer):
    """Takes the words out of every text."""

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        return ast.Constant("") if isinstance(node.value, str) else node


def _emptied(node: ast.expr) -> ast.expr:
    number = isinstance(node, ast.Constant) and not isinstance(node.value, str)
    return ast.Constant(0 if number else "")


def _used(tree: ast.AST) -> set[str]:
    """The names that code reads."""
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}


def _is_text(node: ast.stmt) -> bool:
    """Whether a statement gives a name to a text."""
    return isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _names(node: ast.stmt) -> set[str]:
    return {ast.unparse(target) for target in node.targets} if isinstance(node, ast.Assign) else set()
