"""The code and schemas that each stage depends on, found by reading its imports; tools.pipeline writes them into dvc.yaml.

The rule: a stage depends on its own module, on every project module that it imports at any remove (imports inside
functions too), on the package files of these (`__init__.py`) where they hold more than a docstring, on the templates
that they name, and on the schemas that they ask its system for. It does not depend on the modules of WITHOUT_EFFECT, nor on what only these import.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from plateau.core import definitions
from plateau.core.param import closed
from tools import effects

ROOT = Path(__file__).parent.parent
SCHEMA: Any = closed(definitions.PARAMS)
# Modules that cannot change any output of a stage: they only decide what a person sees, when a stage stops, and what it refuses.
# tests/test_effects.py runs a system with all of them replaced by modules that do nothing, and checks that all outputs are the same bytes.
WITHOUT_EFFECT = (
    "plateau/core/checks.py",
    "plateau/core/errors.py",
    "plateau/core/progress.py",
    "plateau/core/stage.py",
    "plateau/core/supervision.py",
    "plateau/core/timings.py",
    "plateau/data/asked.py",
    "plateau/decision/wanted.py",
    "plateau/evaluation/plan.py",
    "plateau/training/display.py",
    "plateau/evaluation/readiness.py",
)


@cache
def syntax(path: Path) -> ast.Module:
    """The syntax tree of one module."""
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def imported_names(path: Path) -> tuple[str, ...]:
    """The dotted names that a module imports. For `from a import b` both `a` and `a.b`, because b may be a module."""
    found: list[str] = []
    package = list(path.relative_to(ROOT).parent.parts)
    for node in ast.walk(syntax(path)):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            found += [base, *(f"{base}.{alias.name}" for alias in node.names)]
    return tuple(found)


@cache
def holds_code(path: Path) -> bool:
    """Whether a module is more than a docstring."""
    return any(not isinstance(node, ast.Expr) for node in syntax(path).body)


def module_files(name: str) -> Iterator[Path]:
    """Files that importing `name` runs: its module and the packages above it that hold code."""
    parts = name.split(".")
    for depth in range(1, len(parts) + 1):
        package = ROOT.joinpath(*parts[:depth], "__init__.py")
        if package.is_file() and holds_code(package):
            yield package
    module = ROOT.joinpath(*parts[:-1], f"{parts[-1]}.py")
    if module.is_file():
        yield module


def modules(path: Path) -> set[Path]:
    """`path` and every project module that it imports, transitively, and that can change what it writes."""
    found, waiting = {path}, [path]
    without = {ROOT / name for name in WITHOUT_EFFECT}
    while waiting:
        for name in imported_names(waiting.pop()):
            new = set(module_files(name)) - found - without
            found |= new
            waiting += new
    return found


def templates(path: Path) -> set[Path]:
    """Files of plateau/report/templates that a module names."""
    words = {node.value for node in ast.walk(syntax(path)) if isinstance(node, ast.Constant)}
    return {file for file in (ROOT / "plateau" / "report" / "templates").glob("*") if file.name in words}


def schemas(path: Path, system: Path) -> set[Path]:
    """The schemas that a module asks its system for: the system's own where it has one, else the shared one."""
    found = set()
    for node in ast.walk(syntax(path)):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "system.schema":
            for argument in node.args:
                name = f"schemas/{ast.literal_eval(argument)}.schema.json"
                found.add(system / name if (system / name).exists() else ROOT / name)
    return found


def needed(path: Path, system: Path) -> set[str]:
    """Code and schemas that a stage module depends on, as paths below the repository."""
    code = modules(path)
    names = {module.relative_to(ROOT).as_posix(): module for module in code}
    unread = {names[name] for name in names if (readers := effects.readers(name)) and not names.keys() & set(readers)}
    stripped = {effects.place(module) for module in unread}
    files = (code - unread | stripped).union(*(schemas(module, system) | templates(module) for module in code))
    return {file.relative_to(ROOT).as_posix() for file in files}


@dataclass(frozen=True)
class Stage:
    """One stage of a dvc.yaml, with paths below the repository."""

    system: Path
    name: str
    entry: dict[str, Any]

    @property
    def module(self) -> Path:
        """The module that the command runs."""
        return ROOT.joinpath(*self.entry["cmd"].split()[2].split(".")).with_suffix(".py")

    @property
    def folder(self) -> Path:
        """Where paths in the entry start."""
        return (self.system / str(self.entry.get("wdir", "."))).resolve()

    def paths(self, kind: str) -> dict[str, dict[str, Any]]:
        """Deps, outs, metrics or plots by path, with their options."""
        listed = (item if isinstance(item, dict) else {item: {}} for item in self.entry.get(kind, []))
        pairs = (pair for item in listed for pair in item.items())
        return {(self.folder / path).resolve().relative_to(ROOT).as_posix(): options or {} for path, options in pairs}

    def params(self) -> set[str]:
        """Keys of the system's own params.yaml that the stage names; keys of other files keep their file's name."""
        found = set()
        for item in self.entry.get("params", []):
            for file, keys in item.items() if isinstance(item, dict) else [("params.yaml", [item])]:
                own = (self.folder / file).resolve() == (self.system / "params.yaml").resolve()
                found |= {key if own else f"{file}:{key}" for key in keys}
        return found


def stages(system: Path) -> list[Stage]:
    """The stages of a system's dvc.yaml."""
    entries = yaml.safe_load((system / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    return [Stage(system, name, entry) for name, entry in entries.items()]


def declared(path: Path, constant: str = "PARAMS") -> tuple[str, ...]:
    """The constant PARAMS of a stage module; or UNTRACKED, its params that change no output, empty where it has none."""
    for node in syntax(path).body:
        if isinstance(node, ast.Assign | ast.AnnAssign) and ast.unparse(node).startswith(constant) and node.value:
            named = isinstance(node.value, ast.Name)  # a constant of the definitions
            return tuple(getattr(definitions, ast.unparse(node.value)) if named else ast.literal_eval(node.value))
    if constant == "PARAMS":
        raise AssertionError(f"{path}: no line `PARAMS = (...)`")
    return ()


def reads(path: Path) -> set[tuple[str, ...]]:
    """The keys by which a stage module reads its params: ("lr",) or ("split", "group_by"), with "*" where it passes on a whole mapping.

    A loop over PARAMS reads all keys in it: ("PARAMS",). The name of the params is that of the second argument of `main`.
    """
    tree = syntax(path)
    parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    main = next(node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "main")
    whole = main.args.args[1].arg
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id == whole and not isinstance(parents[node], ast.Attribute):
            found.add(subscripts(node, parents))
    return found


def subscripts(node: ast.AST, parents: dict[ast.AST, ast.AST]) -> tuple[str, ...]:
    """The literal keys by which a name is subscripted, at most as deep as params.yaml; "*" at the end where the result is a mapping."""
    keys: list[str] = []
    if isinstance(above := parents[node], ast.Subscript) and isinstance(whole := parents[above], ast.DictComp):
        loops = whole.generators
        if any(
            ast.unparse(loop.iter) == "PARAMS" and ast.unparse(loop.target) == ast.unparse(above.slice)
            for loop in loops
        ):
            return ("PARAMS",)
    while isinstance(above := parents[node], ast.Subscript) and isinstance(above.slice, ast.Constant):
        keys.append(str(above.slice.value))
        node = above
    section = SCHEMA["properties"].get(keys[0], {}) if keys else SCHEMA
    return tuple(keys[:2]) if len(keys) > 1 or "properties" not in section else (*keys, "*")


@cache
def names(path: Path) -> frozenset[str]:
    """Every word that a module uses as a key, argument, keyword or attribute, except in its constants PARAMS and UNTRACKED."""
    read = (node for node in syntax(path).body if not ast.unparse(node).startswith(("PARAMS", "UNTRACKED")))
    words = set()
    for node in (inner for outer in read for inner in ast.walk(outer)):
        values = (getattr(node, field, None) for field in ("arg", "attr", "id", "value"))
        words |= {value for value in values if isinstance(value, str)}
    return frozenset(words)


def param_problems(stage: Stage) -> list[str]:
    """Find params on which dvc.yaml, the constant PARAMS and the code disagree."""
    constant, listed, found = set(declared(stage.module)), stage.params(), reads(stage.module)
    words = set().union(*(names(module) for module in modules(stage.module)))
    problems = [f"{stage.name}: add param {key}" for key in sorted(constant - listed)]
    problems += [f"{stage.name}: drop param {key}, PARAMS has it not" for key in sorted(listed - constant)]
    constant |= set(declared(stage.module, "UNTRACKED"))
    dead = sorted(key for declared_key in constant for key in unread(declared_key, found, words))
    problems += [f"{stage.name}: PARAMS names {key}, which no code reads" for key in dead]
    for keys in found:
        named = {keys[0], ".".join(keys)} if keys[-1] != "*" else set(keys[:1])
        sections = {key.partition(".")[0] for key in constant} if keys[-1] == "*" else constant
        if keys[0] not in ("*", "PARAMS") and not named & sections:
            problems.append(f"{stage.name}: reads {'.'.join(keys)}, which PARAMS names not")
    return sorted(problems)


def unread(key: str, found: set[tuple[str, ...]], words: set[str]) -> list[str]:
    """The parts of a declared key that no code reads: neither by subscript, nor by a function that gets the section and uses the name."""
    section, _, name = key.partition(".")
    if not name and ("PARAMS",) in found:
        return []
    handed_on = ("*",) in found or (section, "*") in found
    names = [name] if name else SCHEMA["properties"][section].get("properties", [])
    if not names:
        return [] if (key,) in found or (handed_on and key in words) else [key]
    return [f"{section}.{n}" for n in names if (section, n) not in found and not (handed_on and n in words)]


def reruns() -> dict[str, list[str]]:
    """The stages of the repository's own system that run again after a change of each module, by path; comments count as changes."""
    known = [(stage.name, stage.paths("deps")) for stage in stages(ROOT)]
    paths = (path for folder in ("plateau", "stages") for path in sorted((ROOT / folder).rglob("*.py")))
    names = (path.relative_to(ROOT).as_posix() for path in paths if holds_code(path))
    return {name: [stage for stage, deps in known if name in deps] for name in names}


if __name__ == "__main__":
    print(*(f"{name}: {', '.join(found) or 'none'}" for name, found in reruns().items()), sep="\n")
