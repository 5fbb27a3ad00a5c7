"""Files of every format, broken in every way: nothing crashes, no good row is lost, and the reason is right."""

import csv
import datetime as dt
import gzip
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plateau.core.errors import BadInputError
from plateau.core.files import read_json
from plateau.core.system import System
from plateau.data import readers, sources, strict_json
from stages import prepare

TARGET = {"type": "object", "required": ["label"], "properties": {"label": {"type": "string", "enum": ["a", "b"]}}}
MAPPING: dict[str, Any] = {
    "transcripts": {
        "source": "calls",
        "id": "id",
        "start": "start",
        "turns": {"role": {"value": "customer"}, "text": "text"},
    },
    "analyses": {"target": {"label": "label"}},
}
COLUMNS = ("id", "start", "text", "label")


def good(name: str = "g1", **more: Any) -> dict[str, Any]:
    return {"id": name, "start": "2025-03-01T10:00:00+01:00", "text": "Hello.", "label": "a", **more}


def lines(*rows: Any) -> bytes:
    return b"".join(row if isinstance(row, bytes) else json.dumps(row).encode() + b"\n" for row in rows)


def table(*rows: Any, delimiter: str = ",") -> bytes:
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=delimiter, lineterminator="\n")
    writer.writerow(COLUMNS)
    parts = [out.getvalue().encode()]
    for row in rows:
        out.seek(out.truncate(0))
        writer.writerow([row[name] for name in COLUMNS]) if isinstance(row, dict) else None
        parts.append(row if isinstance(row, bytes) else out.getvalue().encode())
    return b"".join(parts)


def parquet(rows: list[dict[str, Any]]) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), sink)
    return sink.getvalue()


def zst(data: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as out:
        out.write(data)
    return bytes(sink.getvalue())


def many(count: int) -> list[dict[str, Any]]:
    """Rows that do not compress away."""
    return [good(f"n{number:04}", text=os.urandom(30).hex()) for number in range(count)]


# name of the file, its bytes, rejects as (line, reason), ids that must come through
Case = tuple[str, bytes, list[tuple[int | None, str]], list[str]]
G1, G2 = good("g1"), good("g2")
CASES: dict[str, Case] = {
    "empty JSONL": ("a.jsonl", b"", [], []),
    "blank lines": ("a.jsonl", b"\n \n" + lines(G1) + b"\r\n", [], ["g1"]),
    "Windows line ends": ("a.jsonl", lines(G1, G2).replace(b"\n", b"\r\n"), [], ["g1", "g2"]),
    "no line end at the end": ("a.jsonl", lines(G1, G2)[:-1], [], ["g1", "g2"]),
    "byte order mark": ("a.jsonl", b"\xef\xbb\xbf" + lines(G1), [], ["g1"]),
    "UTF-16 with its mark": (
        "a.jsonl",
        b"\xff\xfe" + lines(G1).decode().encode("utf-16-le"),
        [(None, "invalid_utf8")],
        [],
    ),
    "cp1252 text": ("a.jsonl", lines(G1, lines(G2).replace(b"Hello", b"Caf\xe9")), [(2, "invalid_utf8")], ["g1"]),
    "overlong UTF-8": ("a.jsonl", lines(lines(G1).replace(b"Hello", b"\xc0\xaf"), G2), [(1, "invalid_utf8")], ["g2"]),
    "two records on a line": ("a.jsonl", lines(G1)[:-1] + lines(G2), [(1, "invalid_json")], []),
    "single quotes": ("a.jsonl", lines(lines(G1).replace(b'"', b"'"), G2), [(1, "invalid_json")], ["g2"]),
    "a trailing comma": ("a.jsonl", lines(lines(G1)[:-2] + b",}\n", G2), [(1, "invalid_json")], ["g2"]),
    "a number for a line": ("a.jsonl", lines(b"7\n", G2), [(1, "wrong_type")], ["g2"]),
    "null for a line": ("a.jsonl", lines(b"null\n", G2), [(1, "wrong_type")], ["g2"]),
    "Infinity": ("a.jsonl", lines(good(wait=float("inf")), G2), [(1, "invalid_json")], ["g2"]),
    "an integer of 5,000 digits": (
        "a.jsonl",
        lines(lines(G1)[:-2] + b',"n":' + b"9" * 5000 + b"}\n", G2),
        [(1, "invalid_json")],
        ["g2"],
    ),
    "900 brackets in a key that nobody reads": (
        "a.jsonl",
        lines(lines(G1)[:-2] + b',"n":' + b"[" * 900 + b"]" * 900 + b"}\n", G2),
        [(1, "invalid_json")],
        ["g2"],
    ),
    "an id of nothing": ("a.jsonl", lines(good(""), G2), [(1, "empty")], ["g2"]),
    "an id of 300 characters": ("a.jsonl", lines(good("x" * 300), G2), [(1, "too_long")], ["g2"]),
    "a list for an id": ("a.jsonl", lines(good("x") | {"id": ["x"]}, G2), [(1, "wrong_type")], ["g2"]),
    "a time that is a number": ("a.jsonl", lines(good(start=1740819600), G2), [(1, "impossible_time")], ["g2"]),
    "29 February of no leap year": (
        "a.jsonl",
        lines(good(start="2025-02-29T10:00:00Z"), G2),
        [(1, "impossible_time")],
        ["g2"],
    ),
    "second 61": ("a.jsonl", lines(good(start="2025-03-01T10:00:61Z"), G2), [(1, "impossible_time")], ["g2"]),
    "the year 9999": ("a.jsonl", lines(good(start="9999-12-31T23:59:59-05:00"), G2), [(1, "impossible_time")], ["g2"]),
    "an offset of 25 hours": (
        "a.jsonl",
        lines(good(start="2025-03-01T10:00:00+25:00"), G2),
        [(1, "impossible_time")],
        ["g2"],
    ),
    "a text of 20,001 characters": ("a.jsonl", lines(good(text="x" * 20_001), G2), [(1, "turn_too_long")], ["g2"]),
    "zero-width spaces only": ("a.jsonl", lines(good(text="\u2003"), G2), [(1, "empty_turn")], ["g2"]),
    "JSONL that is binary": ("a.jsonl", bytes(range(256)) * 4, [(n, "nul_byte") for n in ()] or None, []),  # type: ignore[dict-item]
    "an array": ("a.json", json.dumps([G1, G2]).encode(), [], ["g1", "g2"]),
    "an empty array": ("a.json", b" [ ] ", [], []),
    "an array cut short": ("a.json", json.dumps([G1, G2]).encode()[:-20], [(2, "invalid_json")], ["g1"]),
    "an array without its end": ("a.json", json.dumps([G1, G2]).encode()[:-1], [(3, "invalid_json")], ["g1", "g2"]),
    "something after an array": ("a.json", json.dumps([G1]).encode() + b" {}", [(2, "invalid_json")], ["g1"]),
    "NaN in an array": (
        "a.json",
        b"[" + json.dumps(G1).encode() + b', NaN, {"id": NaN}]',
        [(2, "invalid_json"), (3, "invalid_json")],
        ["g1"],
    ),
    "half a surrogate in an array": (
        "a.json",
        json.dumps([good(text="\ud800"), G2]).encode(),
        [(1, "invalid_utf8")],
        ["g2"],
    ),
    "bad UTF-8 in an array": (
        "a.json",
        json.dumps([G1, G2]).encode().replace(b"Hello", b"\xff", 1),
        [(1, "invalid_utf8")],
        ["g2"],
    ),
    "an array of numbers": ("a.json", b"[1, 23", [(1, "wrong_type"), (2, "wrong_type"), (3, "invalid_json")], []),
    "an empty document": ("a.json", b"", [(1, "invalid_json")], []),
    "gzip": ("a.jsonl.gz", gzip.compress(lines(G1, G2)), [], ["g1", "g2"]),
    "two gzip files in one": ("a.jsonl.gz", gzip.compress(lines(G1)) + gzip.compress(lines(G2)), [], ["g1", "g2"]),
    "zstd": ("a.jsonl.zst", zst(lines(G1, G2)), [], ["g1", "g2"]),
    "no gzip at all": ("a.jsonl.gz", lines(G1), [(None, "broken_archive")], []),
    "gzip with something after it": (
        "a.jsonl.gz",
        gzip.compress(lines(G1)) + b"junk",
        [(None, "broken_archive")],
        ["g1"],
    ),
    "a gz bomb of one line": (
        "a.jsonl.gz",
        gzip.compress(b"x" * 200_000_000),
        [(None, "archive_bomb"), (1, "too_large")],
        [],
    ),
    "an archive in an archive": (
        "a.jsonl.gz.gz",
        gzip.compress(gzip.compress(lines(G1))),
        [(None, "unknown_format")],
        [],
    ),
    "a tar": ("a.tar.gz", gzip.compress(b"x"), [(None, "unknown_format")], []),
    "CSV": ("a.csv", table(G1, G2), [], ["g1", "g2"]),
    "CSV with semicolons": ("a.csv", table(G1, G2, delimiter=";"), [], ["g1", "g2"]),
    "TSV in gzip": ("a.tsv.gz", gzip.compress(table(G1, delimiter="\t")), [], ["g1"]),
    "an empty CSV": ("a.csv", b"", [], []),
    "a CSV that is all header": ("a.csv", table(), [], []),
    "a CSV with one column twice": ("a.csv", b"id,id\n1,2\n", [(None, "invalid_csv")], []),
    "line ends within quotes": ("a.csv", table(good("g1", text="two\nlines"), G2), [], ["g1", "g2"]),
    "formulas in cells": (
        "a.csv",
        table(good("g1", text='=HYPERLINK("http://x","y")'), good("=1+2")),
        [],
        ["=1+2", "g1"],
    ),
    "too few cells": ("a.csv", table(G1, b"g9,2025\n", G2), [(3, "invalid_csv")], ["g1", "g2"]),
    "too many cells": ("a.csv", table(b"g9,a,b,c,d,e\n", G2), [(2, "invalid_csv")], ["g2"]),
    "a quote that is never closed": (
        "a.csv",
        table(G1, b'g9,"oops,x,a\n', G2, good("g3")),
        [(3, "invalid_csv")],
        ["g1", "g2", "g3"],
    ),
    "two quotes that are never closed": (
        "a.csv",
        table(G1, b'g8,"oops,x,a\n', G2, b'g9,"oops,x,a\n', good("g3")),
        [(3, "invalid_csv"), (5, "invalid_csv")],
        ["g1", "g2", "g3"],
    ),
    "quotes after a backslash": ("a.csv", table(b'g1,2025-03-01T10:00:00Z,"he said \\"hi\\", twice",a\n'), [], ["g1"]),
    "NUL in a cell": (
        "a.csv",
        table(G1, table(G2).split(b"\n")[1].replace(b"Hello", b"\0") + b"\n"),
        [(3, "nul_byte")],
        ["g1"],
    ),
    "an empty cell": ("a.csv", table(good("g9", label=""), G2), [(2, "missing_key")], ["g2"]),
    "Parquet": ("a.parquet", parquet([G1, G2]), [], ["g1", "g2"]),
    "Parquet with times": ("a.parquet", parquet([good(start=dt.datetime(2025, 3, 1, tzinfo=dt.UTC))]), [], ["g1"]),
    "Parquet with times of nowhere": (
        "a.parquet",
        parquet([good(start=dt.datetime(2025, 3, 1))]),
        [(1, "naive_time")],
        [],
    ),
    "Parquet with nulls": ("a.parquet", parquet([G1, good("g2") | {"text": None}]), [(2, "wrong_type")], ["g1"]),
    "Parquet cut short": ("a.parquet", parquet([G1])[:-10], [(None, "broken_parquet")], []),
    "Parquet of nothing": ("a.parquet", b"", [(None, "broken_parquet")], []),
    "a text file": ("a.txt", b"Hello.", [(1, "missing_key")], []),
    "a file of no known format": ("a.docx", b"PK\x03\x04", [(None, "unknown_format")], []),
    "a file without an ending": ("a", b"{}", [(None, "unknown_format")], []),
}
CASES["JSONL that is binary"] = ("a.jsonl", b"\x00\x01\n\xff\xfe\n", [(1, "nul_byte"), (2, "invalid_utf8")], [])


class Desk:
    """A system whose raw files lie in data/raw/calls/, with one good file besides what a test adds."""

    def __init__(self, root: Path) -> None:
        self.system = System(root)
        self.calls = root / "data" / "raw" / "calls"
        self.calls.mkdir(parents=True)
        (root / "schemas").mkdir()
        (root / "schemas" / "target.schema.json").write_text(json.dumps(TARGET))
        (self.calls / "zz.jsonl").write_bytes(lines(good("zz")))

    def run(self, **options: Any) -> tuple[list[str], list[tuple[str, int | None, str]]]:
        """Ids that came through, and (file, line, reason) of the rejects."""
        prepare.main(self.system, {"prepare": {"max_rejected": 1.0, "mapping": MAPPING, **options}})
        rejects = self.system.path("data", "rejected.jsonl").read_text(encoding="utf-8").splitlines()
        found = [(Path(row["file"]).name, row["line"], row["reason"]) for row in map(json.loads, rejects)]
        return pq.read_table(self.system.path("data", "prepared.parquet"))["id"].to_pylist(), found


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


@pytest.mark.parametrize("case", CASES)
def test_what_is_broken_is_rejected_with_its_reason_and_what_is_good_comes_through(desk: Desk, case: str) -> None:
    name, data, rejects, ids = CASES[case]
    (desk.calls / name).write_bytes(data)
    found, rejected = desk.run()
    assert rejected == [(name, line, reason) for line, reason in rejects]
    assert sorted(found) == sorted([*ids, "zz"])


@pytest.mark.parametrize(("ending", "pack"), [(".gz", gzip.compress), (".zst", zst)])
def test_an_archive_cut_short_gives_all_that_is_whole_in_it(
    desk: Desk, ending: str, pack: Callable[[bytes], bytes]
) -> None:
    rows = many(6000)
    packed = pack(lines(*rows))
    (desk.calls / f"a.jsonl{ending}").write_bytes(packed[: len(packed) * 3 // 4])
    ids, rejected = desk.run()
    assert rejected == [(f"a.jsonl{ending}", None, "broken_archive")]
    assert len(rows) // 2 < len(ids) - 1 < len(rows)
    assert ids[:-1] == [row["id"] for row in rows[: len(ids) - 1]]


def test_links_out_of_the_folder_are_refused_and_those_within_are_followed(desk: Desk, tmp_path: Path) -> None:
    outside = tmp_path / "secret.jsonl"
    outside.write_bytes(lines(good("secret")))
    (desk.calls / "a.jsonl").symlink_to(outside)
    (desk.calls / "b").symlink_to(tmp_path)
    (desk.calls / "c.jsonl").symlink_to(tmp_path / "nothing")
    (desk.calls / "d.jsonl").symlink_to(desk.calls / "zz.jsonl")
    os.mkfifo(desk.calls / "e.jsonl")
    ids, rejected = desk.run()
    assert ids == ["zz"]
    assert rejected == [
        ("a.jsonl", None, "outside_folder"),
        ("b", None, "unknown_format"),
        ("c.jsonl", None, "outside_folder"),
        ("e.jsonl", None, "unreadable_file"),
    ]


def test_a_link_is_followed_into_the_dvc_cache_alone(desk: Desk, tmp_path: Path) -> None:
    for command in (["git", "init", "-q"], [sys.executable, "-m", "dvc", "init", "-q"]):
        subprocess.run(command, cwd=desk.system.root, check=True)
    cache = desk.system.root / ".dvc" / "cache"
    name = Path("files", "md5", "ab", "c" * 30)
    for number, folder in enumerate([cache, tmp_path / "elsewhere"]):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(lines(good(f"g{number}")))
        (desk.calls / f"{number}.jsonl").symlink_to(folder / name)
    ids, rejected = desk.run()
    assert ids == ["g0", "zz"]
    assert rejected == [("1.jsonl", None, "outside_folder")]


def test_a_named_encoding_is_read_and_what_it_has_not_is_a_bad_row(desk: Desk) -> None:
    (desk.calls / "a.csv").write_bytes(
        table(good("g1", text="CAFE"), good("g2", text="NO")).replace(b"CAFE", b"caf\xe9").replace(b"NO", b"\x81")
    )
    (desk.calls / "zz.jsonl").unlink()
    part = {**MAPPING, "transcripts": {**MAPPING["transcripts"], "encoding": "cp1252"}}
    ids, rejected = desk.run(mapping=part)
    assert ids == ["g1"]
    assert rejected == [("a.csv", 3, "invalid_utf8")]
    rows = pq.read_table(desk.system.path("data", "prepared.parquet")).to_pylist()
    assert rows[0]["turns"][0]["text"] == "café"


def test_an_array_larger_than_any_record_is_read_piece_by_piece(desk: Desk) -> None:
    rows = [good(f"n{number:05}", note="x" * 2000) for number in range(9000)]
    text = json.dumps(rows, indent=1)
    assert len(text) > strict_json.MAX_BYTES
    (desk.calls / "a.json").write_text(text)
    ids, rejected = desk.run()
    assert (len(ids), rejected) == (9001, [])


def test_a_missing_source_says_which_files_it_looked_for(desk: Desk) -> None:
    with pytest.raises(BadInputError, match=r"found no nowhere\.jsonl and no file in nowhere/"):
        desk.run(mapping={**MAPPING, "transcripts": {**MAPPING["transcripts"], "source": "nowhere"}})


ANY = st.sampled_from(
    [*(form + archive for form in sources.FORMATS for archive in ("", ".gz", ".zst")), ".jsonl.gz.zst", ""]
)
PIECES = st.sampled_from(
    [
        b'"',
        b",",
        b";",
        b"\n",
        b"\r\n",
        b"[",
        b"]",
        b"{",
        b"}",
        b"\\",
        b"\0",
        b"\xff",
        b"id",
        b'"id":1',
        b"NaN",
        b"PAR1",
        b"\x1f\x8b\x08",
    ]
)


@given(data=st.binary(max_size=80) | st.lists(PIECES, max_size=40).map(b"".join), ending=ANY, packed=st.booleans())
def test_no_bytes_crash_any_reader(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, ending: str, packed: bool
) -> None:
    path = tmp_path_factory.mktemp("raw") / f"x{ending}"
    pack = {".gz": gzip.compress, ".zst": zst}.get(path.suffix) if packed else None
    path.write_bytes(pack(data) if pack else data)
    for raw in map(readers.parsed, readers.read_file(path, "x", path.parent)):
        assert raw.problem or json.dumps(raw.value, ensure_ascii=False).encode()
        assert len(raw.shown()) <= strict_json.SHOWN_CHARACTERS


@given(
    rows=st.lists(
        st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), min_size=2, max_size=2),
        max_size=6,
    )
)
def test_a_csv_is_read_as_the_csv_module_writes_it(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]]
) -> None:
    path = tmp_path_factory.mktemp("raw") / "x.csv"
    with path.open("w", newline="", encoding="utf-8") as out:
        csv.writer(out, quoting=csv.QUOTE_ALL).writerows([["a", "b"], *rows])
    found = [raw.value for raw in readers.read_file(path, "x", path.parent)]
    assert found == [{"a": a or None, "b": b or None} for a, b in rows]


def test_metrics_count_one_record_as_one_conversation(desk: Desk) -> None:
    (desk.calls / "a.jsonl").write_bytes(lines(good("g1"), good("g2", label="c"), b"{\n"))
    desk.run()
    metrics = read_json(desk.system.metrics("prepare"))
    assert (metrics["conversations"], metrics["accepted"], metrics["rejected"]) == (4, 2, 2)
