"""Import mlx after a fast BLAS is loaded: every module takes `mx`, `nn` and `optim` from here, for mlx imported earlier keeps its own slow BLAS.

`BLAS` is a short text: which library and kernel computes products, which decides their last bits.
"""

import ctypes
import os
import sys

from plateau.lm import blas

# mlx-lm takes its tokenizers from transformers, which warns that PyTorch is missing; Plateau does not need PyTorch.
os.environ.setdefault("TRANSFORMERS_NO_ADVISORY_WARNINGS", "1")
CAME_TOO_LATE = "mlx.core" in sys.modules  # then mlx has its BLAS already

PARTS = 2  # halves of a batch that a CPU computes side by side; fixed, for the split changes the bits of a sum


M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # of glibc's malloc.h


def _keep_freed_memory() -> None:
    """Tell glibc to keep freed memory for reuse; giving each large array back to the kernel costs a tenth of a step in page faults."""
    libc = ctypes.CDLL(None)
    if sys.platform.startswith("linux") and hasattr(libc, "mallopt"):
        for option in (M_MMAP_THRESHOLD, M_TRIM_THRESHOLD):
            libc.mallopt(option, 2**30)


_keep_freed_memory()
if sys.platform.startswith("linux"):
    # Lets two CPU streams run side by side instead of one after the other.
    os.environ.setdefault("MLX_BFS_MAX_WIDTH", "5000")
BLAS = blas.OWN if CAME_TOO_LATE else blas.load()

import mlx.core as mx  # noqa: E402
import mlx.nn as nn  # noqa: E402
import mlx.optimizers as optim  # noqa: E402

ON_CPU = mx.default_device() == mx.Device(mx.cpu)
if ON_CPU:
    # Compiling needs a C++ compiler at run time, gains little, and rounds differently from the uncompiled step.
    mx.disable_compile()
    if CAME_TOO_LATE and sys.platform.startswith("linux"):
        from plateau.core.supervision import is_stage

        if is_stage():  # a notebook may import mlx as it likes
            sys.exit(
                "error: mlx was imported before Plateau, from a sitecustomize.py or a .pth file: it would compute other bytes, 20 times "
                "slower; remove that import"
            )

__all__ = ["BLAS", "ON_CPU", "PARTS", "mx", "nn", "optim"]
