"""Products are computed by one library and one kernel on every Linux processor with AVX2, and by something where that fails."""

import ctypes
import json
import os
import subprocess
import sys
from pathlib import Path
from unittest.mock import Mock

import pytest

from plateau.lm import blas

ROOT = Path(__file__).parent.parent
pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="mlx brings its own elsewhere")
needs_avx2 = pytest.mark.skipif("avx2" not in blas._processor_flags(), reason="this processor has no AVX2")
CHOSEN = ("OPENBLAS_CORETYPE", "OPENBLAS_NUM_THREADS", "PLATEAU_BLAS")
PRODUCT = """
import hashlib, json, sys
{before}
from plateau.lm.backend import BLAS, mx
mx.random.seed(0)
products = [mx.random.normal((m, k)) @ mx.random.normal((k, n)) for m, k, n in ((300, 313, 448), (64, 32, 32))]
digest = hashlib.sha256(b"".join(bytes(memoryview(product)) for product in products)).hexdigest()
maps = open("/proc/self/maps").read()
print(json.dumps([BLAS, digest, "libopenblas" in maps, "libmkl" in maps]))
"""


def computed(before: str = "", **environment: str) -> tuple[list[str], str, str, bool]:
    """What a fresh process says on its first lines, its provider, the bits of two products, and whether OpenBLAS is loaded."""
    kept = {name: value for name, value in os.environ.items() if name not in CHOSEN}
    command = [sys.executable, "-c", PRODUCT.format(before=before)]
    done = subprocess.run(command, cwd=ROOT, env=kept | environment, capture_output=True, text=True, check=True)
    *said, last = done.stdout.splitlines()
    name, digest, loaded, _ = json.loads(last)
    return said, name, digest, loaded


@needs_avx2
def test_openblas_serves_mlx_with_one_kernel_and_one_thread_a_stream() -> None:
    said, name, _, loaded = computed()
    assert (said, loaded) == ([], True)
    assert name.startswith("OpenBLAS ")
    assert name.endswith(" Haswell 1 thread")


@needs_avx2
def test_a_kernel_that_the_environment_names_is_left_as_it_is_and_another_kernel_computes_other_bits() -> None:
    haswell, other = computed(), computed(OPENBLAS_CORETYPE="Sandybridge")
    assert other[1].endswith(" Sandybridge 1 thread")
    assert haswell[2] == computed(OPENBLAS_CORETYPE="Haswell")[2]
    assert haswell[2] != other[2]


def test_the_symbol_that_mlx_takes_is_the_copy_s() -> None:
    code = (
        "import ctypes; from plateau.lm import blas; blas.load(); path = blas.make(); "
        "print(blas._address(ctypes.CDLL(None).cblas_sgemm) == blas._address(ctypes.CDLL(str(path)).cblas_sgemm))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["True"]


def test_the_copy_is_made_once_whole_and_has_all_names_without_the_prefix(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    made = blas.make()
    assert made is not None
    assert [path.name for path in made.parent.iterdir()] == [made.name]
    library, packaged = ctypes.CDLL(str(made)), ctypes.CDLL(str(blas._packaged()))
    for name in ("cblas_sgemm", "cblas_dgemm", "sgesdd_", "dsyevd_", "openblas_get_corename"):
        assert hasattr(library, name)
        assert not hasattr(packaged, name)
        assert not hasattr(library, f"scipy_{name}")
    before = made.stat()
    assert blas.make() == made
    assert made.stat() == before


NO_PATCHELF = "import shutil; shutil.which = lambda *a, **k: None"
NO_PACKAGE = (
    "import importlib.metadata as m; m.version = lambda name: (_ for _ in ()).throw(m.PackageNotFoundError(name))"
)
READ_ONLY = "import os; os.mkdir = lambda *a, **k: (_ for _ in ()).throw(PermissionError(13, 'Read-only'))"


@pytest.mark.parametrize(
    ("hindered", "words"),
    [(NO_PATCHELF, "patchelf is not installed"), (NO_PACKAGE, "scipy-openblas32"), (READ_ONLY, "Read-only")],
)
def test_where_the_copy_cannot_be_made_one_line_says_why_and_something_else_computes(
    tmp_path: Path, hindered: str, words: str
) -> None:
    said, name, digest, _ = computed(f"sys.prefix = {str(tmp_path)!r}; {hindered}")
    assert words in said[0]
    assert said[0].startswith("no OpenBLAS for mlx: ")
    assert digest
    assert name == blas.OWN or not (tmp_path / "lib" / "plateau").exists()


def test_without_any_fast_blas_mlx_computes_itself_and_one_line_says_so(tmp_path: Path) -> None:
    hindered = f"sys.prefix = {str(tmp_path)!r}; {NO_PATCHELF}; from plateau.lm import blas; blas._system = lambda: 'libnone.so'"
    said, name, digest, loaded = computed(hindered)
    assert (name, loaded) == (blas.OWN, False)
    assert len(said) == 2
    assert "eleven times slower" in said[1]
    assert digest


def test_a_library_that_computes_a_wrong_product_or_is_none_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert blas._serve(str(blas._packaged())) is None  # cblas_sgemm has another name there
    broken = tmp_path / "broken.so"
    broken.write_bytes(b"\x7fELF, cut short")
    assert blas._serve(str(broken)) is None
    assert not blas._multiplies(Mock())
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    monkeypatch.setattr(blas, "_multiplies", Mock(return_value=False))
    assert blas.make() is None
    assert "wrong product" in capsys.readouterr().out
    assert list((tmp_path / "lib" / "plateau").iterdir()) == []


@pytest.mark.parametrize(
    ("flags", "kernel"),
    [(["sse2", "avx"], None), (["avx2", "fma"], "Haswell"), (["avx2", "fma", "avx512f"], "Haswell")],
)
def test_a_processor_without_avx2_takes_the_kernel_that_openblas_finds(
    flags: list[str], kernel: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "environ", {})
    blas._set_environment(flags)
    assert os.environ.get("OPENBLAS_CORETYPE") == kernel
    assert os.environ["OPENBLAS_NUM_THREADS"] == "1"
