import ast
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_mlx_is_imported_through_the_backend_alone_which_loads_a_fast_blas_first() -> None:
    for path in [path for folder in ("plateau", "stages", "simulator") for path in (ROOT / folder).rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]
            loads_core = [name for name in names if name.startswith(("mlx.core", "mlx.nn", "mlx.optimizers"))]
            assert not loads_core or path.name == "backend.py", f"{path}: take {loads_core} from plateau.lm.backend"
