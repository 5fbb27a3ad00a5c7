"""Files are whole or absent, and a process that was killed leaves nothing for ever."""

import errno
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from plateau.core import stage
from plateau.core.files import replacing, write_text
from tests import tiny


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    write_text(path, "old")
    with pytest.raises(TypeError), replacing(path) as temporary:
        temporary.write_text(b"bytes are no text")  # type: ignore[arg-type]
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", ["a.b.parquet", "folder"])
def test_what_a_killed_process_left_goes_with_the_next_write(tmp_path: Path, name: str) -> None:
    code = (
        "import os, sys; from pathlib import Path; from plateau.core.files import replacing\n"
        "with replacing(Path(sys.argv[1])) as temporary:\n    temporary.mkdir(); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path / name)], check=False)
    assert len(list(tmp_path.iterdir())) == 1
    write_text(tmp_path / name, "whole")
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_the_write_in_progress_of_another_process_is_left_alone(tmp_path: Path) -> None:
    other = tmp_path / f".a.{os.getppid()}.tmp.txt"
    other.write_text("half")
    write_text(tmp_path / "a.txt", "whole")
    assert other.exists()


def test_a_folder_that_is_a_link_is_written_where_it_points(tmp_path: Path) -> None:
    disk, link = tmp_path / "disk" / "adapters", tmp_path / "adapters"
    disk.mkdir(parents=True)
    (disk / "old").write_text("old")
    link.symlink_to(disk)
    with replacing(link) as temporary:
        temporary.mkdir()
        (temporary / "new").write_text("new")
    assert link.is_symlink()
    assert [path.name for path in link.iterdir()] == ["new"]
    assert list((tmp_path / "disk").iterdir()) == [disk]


def test_a_disk_that_fills_while_a_file_is_copied_names_the_file_that_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def main(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "from.json", None, "to.json")

    shutil.copyfile(tiny.ROOT / "params.yaml", tmp_path / "params.yaml")
    monkeypatch.setattr(sys, "argv", ["stage", str(tmp_path)])
    with pytest.raises(SystemExit, match="1"):
        stage.run(main, ())
    assert capsys.readouterr().err == "error: No space left on device (to.json); what was complete before is kept\n"
