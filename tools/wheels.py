"""Whether a Mac can install every package of the lock without a compiler: `python -m tools.wheels`, which asks the package index.

pip evaluates markers for the machine that it runs on. So this module reads the lock, and gives pip the pins that hold on macOS arm64.
"""

import subprocess
import sys
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parent.parent
MAC = {"sys_platform": "darwin", "platform_system": "Darwin", "platform_machine": "arm64", "os_name": "posix"}
PLATFORM = "macosx_14_0_arm64"
# Published as source only; building them needs no compiler.
SOURCES = {"antlr4-python3-runtime"}


def wanted(lock: str) -> list[str]:
    """The pins of the lock that hold on macOS arm64 and are to have a wheel."""
    lines = [line.removesuffix("\\") for line in lock.splitlines() if line and not line.startswith((" ", "#"))]
    named = [Requirement(line) for line in lines]
    held = [one for one in named if one.marker is None or one.marker.evaluate(MAC)]
    return [f"{one.name}{one.specifier}" for one in held if one.name not in SOURCES]


def main() -> int:
    """Exit status 0 where all are found; else pip says which is not."""
    pins = wanted((ROOT / "requirements.lock").read_text(encoding="utf-8"))
    options = ["--dry-run", "--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary=:all:"]
    where = ["--platform", PLATFORM, "--implementation", "cp", "--target", "wheels"]  # a dry run writes no target
    return subprocess.run([sys.executable, "-m", "pip", "install", *options, *where, *pins], cwd=ROOT).returncode


if __name__ == "__main__":
    sys.exit(main())
