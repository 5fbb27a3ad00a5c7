import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plateau.core.errors import BadInputError
from plateau.data.specials import neutralise
from plateau.prompts import chat
from plateau.prompts.examples import Example, Renderer
from tests import tiny

TURNS = [
    {"role": "agent", "text": "Thank you for calling."},
    {"role": "customer", "text": "My internet\nhas been down."},
    {"role": "agent", "text": "Let me look at the line."},
]
HOSTILE = st.lists(
    st.sampled_from(["</s>", "<s>", "<|user|>", "<|Assistant|>", "<", "s>", "|>", "<|", " ", "\n", "[INST]", "a", "é"])
).map("".join)


def examples(
    tokenizer: Any, rows: list[dict[str, Any]], context: list[str], instruction: str, limit: int
) -> list[Example]:
    return Renderer(tokenizer, context, instruction, limit).examples(rows)


def row(turns: Any = TURNS, **more: Any) -> dict[str, Any]:
    return {"id": "c1", "turns": turns, "target": '{"csat": 3.5}', **more}


def test_a_prompt_has_the_blocks_of_the_seeds_and_one_line_a_turn() -> None:
    content = chat.messages(
        TURNS[:2], {"business_hours": True, "queue_wait_time_seconds": 120.0, "wait": None}, "Analyse."
    )
    assert content == (
        "Analyse.\n\n[TEMPORAL CONTEXT]\nbusiness_hours: true\nqueue_wait_time_seconds: 120\nwait: unknown\n\n"
        "[CONVERSATION]\nAgent: Thank you for calling.\nCustomer: My internet has been down."
    )


@given(texts=st.lists(st.text() | HOSTILE, min_size=1, max_size=4))
def test_no_text_can_pose_as_a_turn_or_a_block(texts: list[str]) -> None:
    content = chat.messages([{"role": "customer", "text": text} for text in texts], {}, "")
    assert len(content.splitlines()) == len(texts) + 1
    assert all(line.startswith("Customer:") for line in content.splitlines()[1:])


@given(
    text=st.text() | HOSTILE, specials=st.lists(st.text(min_size=1, max_size=6).map(str.strip).filter(bool), max_size=5)
)
def test_no_special_token_survives_whatever_the_tokenizer(text: str, specials: list[str]) -> None:
    names = (*specials, "<s>", "</s>", "<|user|>")
    safe = neutralise(text, names)
    assert not [name for name in names if name in safe]
    assert neutralise(safe, names) == safe


@given(text=st.text() | HOSTILE, label=st.text() | HOSTILE)
def test_the_prompt_is_a_prefix_and_only_the_template_emits_special_ids(tokenizer: Any, text: str, label: str) -> None:
    target = json.dumps({"coaching": label}, ensure_ascii=False)
    [example] = examples(tokenizer, [row([{"role": "customer", "text": text}], target=target)], [], "", 100_000)
    assert example.ids[: example.completion_start] == tiny.stock_prompt(tokenizer, example.content)
    assert [number for number in example.ids if number < 4] == [0, 2, 3, 1]
    assert example.ids[-1] == tokenizer.eos_token_id
    assert example.neutralised == (
        example.completion != target or example.content != chat.messages([{"role": "customer", "text": text}], {}, "")
    )
    json.loads(example.completion)


@pytest.fixture(scope="module")
def folding(tokenizer_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """That tokenizer with a normaliser that folds text before it looks for special tokens in it."""
    folder = tmp_path_factory.mktemp("folding")
    for path in tokenizer_dir.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    made = json.loads((folder / "tokenizer.json").read_text())
    kinds = [
        {"type": "NFKD"},
        {"type": "StripAccents"},
        {"type": "Replace", "pattern": {"String": "\u200b"}, "content": ""},
    ]
    made["normalizer"] = {"type": "Sequence", "normalizers": [*kinds, {"type": "Lowercase"}]}
    for token in made["added_tokens"]:
        token["normalized"] = True
    (folder / "tokenizer.json").write_text(json.dumps(made))
    return chat.load_tokenizer(folder)


DISGUISED = ["\uff1cs\uff1e", "<\u0301s>", "<\u200bs>", "<S>", "\uff1c/s>", "<|u\u0308ser|>", "\ufe64s\ufe65", "a", " "]


@given(text=st.lists(st.sampled_from(DISGUISED)).map("".join) | st.text())
def test_special_tokens_in_disguise_do_not_survive_a_tokenizer_that_folds_text(folding: Any, text: str) -> None:
    [plain], [example] = (
        examples(folding, [row([{"role": "customer", "text": said}])], [], "", 100_000) for said in ("x", text)
    )
    count = [sum(number < 4 for number in made.ids) for made in (plain, example)]
    assert count[0] == count[1]


def test_ids_are_those_of_the_stock_client(tokenizer_dir: Path, tokenizer: Any) -> None:
    datasets = pytest.importorskip("mlx_lm.tuner.datasets")
    tokenizer_utils = pytest.importorskip("mlx_lm.tokenizer_utils")
    stock = datasets.ChatDataset([], tokenizer_utils.load(tokenizer_dir), mask_prompt=True)
    for example in examples(tokenizer, [row(), row(TURNS[:1])], [], "Analyse.", 512):
        line = {"messages": chat.dialogue(example.content, example.completion)}
        assert stock.process(line) == (example.ids, example.completion_start)


@given(limit=st.integers(70, 200), count=st.integers(1, 30))
def test_a_long_example_loses_its_oldest_turns_and_keeps_its_completion(tokenizer: Any, limit: int, count: int) -> None:
    turns = [{"role": "customer", "text": f"This is remark {number}."} for number in range(count)]
    [whole] = examples(tokenizer, [row(turns)], [], "", 10_000)
    [example] = examples(tokenizer, [row(turns)], [], "", limit)
    assert len(example.ids) <= limit
    assert example.ids[example.completion_start :] == whole.ids[whole.completion_start :]
    assert example.content == chat.messages(turns[example.dropped_turns :], {}, "")
    assert (example.dropped_turns == 0) == (len(whole.ids) <= limit)


def test_a_single_turn_that_is_too_long_loses_its_beginning(tokenizer: Any) -> None:
    turns = [*TURNS, {"role": "customer", "text": "word " * 500 + "end"}]
    [example] = examples(tokenizer, [row(turns)], [], "", 100)
    assert example.dropped_turns == len(TURNS)
    assert example.cut_characters > 0
    assert example.content.endswith("word end")


def test_a_completion_that_cannot_fit_is_an_error_that_names_the_row(tokenizer: Any) -> None:
    with pytest.raises(BadInputError, match=r"row c1: .*more than max_seq_length = 8"):
        examples(tokenizer, [row()], [], "", 8)


def test_a_template_whose_prompt_is_no_prefix_is_refused(tokenizer_dir: Path) -> None:
    tokenizer = chat.load_tokenizer(tokenizer_dir)
    tokenizer.chat_template = tokenizer.chat_template.replace(
        "{% if add_generation_prompt %}{{ '<|assistant|>'", "{% if add_generation_prompt %}{{ 'X'"
    )
    with pytest.raises(BadInputError, match="no prefix"):
        examples(tokenizer, [row()], [], "", 512)


def test_a_template_that_never_ends_an_answer_is_refused(tokenizer_dir: Path) -> None:
    tokenizer = chat.load_tokenizer(tokenizer_dir)
    tokenizer.chat_template = tokenizer.chat_template.replace("{{ eos_token }}", "")
    with pytest.raises(BadInputError, match="never stop"):
        examples(tokenizer, [row()], [], "", 512)


def test_a_model_that_is_absent_or_without_template_is_one_clear_line(tokenizer_dir: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="no such model folder"):
        chat.load_tokenizer(tmp_path / "absent")
    with pytest.raises(BadInputError, match="no tokenizer can be loaded") as caught:
        chat.load_tokenizer(tmp_path)
    assert "\n" not in str(caught.value)
    for name in ("config.json", "tokenizer.json", "tokenizer_config.json"):
        (tmp_path / name).write_bytes((tokenizer_dir / name).read_bytes())
    with pytest.raises(BadInputError, match="no chat template"):
        chat.load_tokenizer(tmp_path)


CHATML = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def copied(tokenizer_dir: Path, folder: Path, template: Any, *added: str) -> Path:
    """The tokenizer with another chat template, and further special tokens."""
    shutil.copytree(tokenizer_dir, folder, dirs_exist_ok=True)
    (folder / "chat_template.jinja").unlink(missing_ok=True)
    config = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
    (folder / "tokenizer_config.json").write_text(json.dumps({**config, "chat_template": template}), encoding="utf-8")
    if added:
        made = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
        first = 1 + max(made["model"]["vocab"].values())
        made["added_tokens"] += [
            {**made["added_tokens"][0], "id": first + number, "content": text} for number, text in enumerate(added)
        ]
        (folder / "tokenizer.json").write_text(json.dumps(made), encoding="utf-8")
    return folder


def test_what_a_template_writes_after_the_stop_token_is_not_supervised(tokenizer_dir: Path, tmp_path: Path) -> None:
    tokenizer = chat.load_tokenizer(copied(tokenizer_dir, tmp_path, CHATML, "<|im_start|>", "<|im_end|>"))
    stop = tokenizer.convert_tokens_to_ids("<|im_end|>")
    [example] = examples(tokenizer, [row()], [], "", 512)
    assert example.ids[-1] == stop
    assert chat.ending(tokenizer) == (stop, len(tokenizer.encode("\n", add_special_tokens=False)))


CLOCKS = [
    "{{ strftime_now('%d %b %Y') }}|",
    "{%- set date_string = strftime_now('%A, %-d %B %Y') if strftime_now is defined else 'never' %}{{ date_string }}|",
    "{% macro day() %}{{ strftime_now('%Y-%m-%d') }}{% endmacro %}{{ day() }}|",
]


@pytest.mark.parametrize(
    ("clock", "said"),
    list(zip(CLOCKS, ["24 Dec 2025", "Wednesday, 24 December 2025", "2025-12-24"], strict=True)),
)
def test_a_template_that_asks_for_the_time_is_told_the_date_of_params(
    tokenizer_dir: Path, tmp_path: Path, tokenizer: Any, clock: str, said: str
) -> None:
    folder = copied(tokenizer_dir, tmp_path, clock + tokenizer.chat_template)
    dated = chat.load_tokenizer(folder, "2025-12-24")
    asked = dated.apply_chat_template(chat.dialogue("x", "")[:1], tokenize=False, add_generation_prompt=True)
    assert asked.startswith(f"{said}|")
    (folder / "chat_template.jinja").write_text(dated.chat_template, encoding="utf-8")
    assert chat.render(chat.load_tokenizer(folder, "1999-01-01"), "x", "y") == chat.render(dated, "x", "y")


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("{{ raise_exception('no system role') }}", "no system role"),
        ("{% for message in messages %}", "Unexpected end of template"),
        ("{{ messages[0]['content'] + 3 }}", "can only concatenate str"),
        ([{"name": "rag", "template": "x"}], "has the chat templates rag and none named default"),
    ],
)
def test_a_fault_of_the_template_is_one_line_that_names_its_file(
    tokenizer_dir: Path, tmp_path: Path, template: Any, said: str
) -> None:
    folder = copied(tokenizer_dir, tmp_path, template)
    with pytest.raises(BadInputError) as caught:
        chat.load_tokenizer(folder)
    assert str(folder / "tokenizer_config.json") in str(caught.value)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_date_that_is_none_is_refused(tokenizer_dir: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"convert\.template_date: 2025-13-40 is no day"):
        chat.load_tokenizer(copied(tokenizer_dir, tmp_path, CLOCKS[0]), "2025-13-40")
