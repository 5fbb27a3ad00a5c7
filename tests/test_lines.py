"""Files of JSON lines are read back as they were written, whatever marks the texts hold that some readers take for line ends."""

import json

from hypothesis import given
from hypothesis import strategies as st

from plateau.data.joining import Rejects
from plateau.data.readers import parsed, read_file
from plateau.data.records import Reject
from plateau.evaluation import samples

texts = st.lists(st.text("ab\u2028\u2029\u0085\x0b\x0c\x1c\x1d\x1e\r\n", max_size=8), min_size=1, max_size=4)


@given(texts)
def test_chat_files_have_a_row_a_line(tmp_path_factory, found):
    path = tmp_path_factory.mktemp("mlx") / "test.jsonl"
    chats = [{"messages": [{"role": "user", "content": text}]} for text in found]
    path.write_bytes("".join(json.dumps(chat, ensure_ascii=False) + "\n" for chat in chats).encode())
    assert samples.prompts(path) == found


@given(texts)
def test_rejects_have_a_row_a_line(tmp_path_factory, found):
    folder = tmp_path_factory.mktemp("rejects")
    rejects = Rejects(folder / "log")
    for number, text in enumerate(found, 1):
        rejects.add(Reject("f", number, text, "reason", text, text))
    rejects.write(folder / "rejected.jsonl")
    rejects.close()
    rows = [json.loads(line) for line in (folder / "rejected.jsonl").read_bytes().removesuffix(b"\n").split(b"\n")]
    assert [row["record"] for row in rows] == found


@given(texts)
def test_raw_records_have_a_row_a_line(tmp_path_factory, found):
    path = tmp_path_factory.mktemp("raw") / "x.jsonl"
    path.write_bytes("".join(json.dumps({"id": text}, ensure_ascii=False) + "\n" for text in found).encode())
    assert [parsed(raw).value for raw in read_file(path, "x", path.parent)] == [{"id": text} for text in found]
