"""A pack's files are trusted only as far as they were checked."""

import contextlib
import json
import os
import pickle
import shutil
import struct
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from albumen.packs import PackError, manifest, open_pack
from albumen.packs.loading import checked_onnx, read_file, read_onnx
from albumen.packs.onnx_file import NotONNXError, uses_external_data


@pytest.fixture
def folder(tiny_pack: Path, tmp_path: Path) -> Path:
    return shutil.copytree(tiny_pack, tmp_path / "copy")


def sign(folder: Path) -> None:
    """Make the manifest agree with the files, as an attacker would."""
    manifest.write(folder, manifest.read(folder))


def test_a_file_is_read_as_it_was_promised(folder: Path) -> None:
    card = read_file(folder, manifest.read(folder), "CARD.md")
    assert card == (folder / "CARD.md").read_bytes()


def shorten(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-1])


def lengthen(file: Path) -> None:
    file.write_bytes(file.read_bytes() + b"\0")


def flip_a_bit(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)


def link(file: Path) -> None:
    file.rename(file.parent.parent / "outside")
    file.symlink_to(file.parent.parent / "outside")


def replace_by_a_pipe(file: Path) -> None:
    file.unlink()
    os.mkfifo(file)


def replace_by_a_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (Path.unlink, "cannot be read .No such file or directory.; get the pack again"),
        (shorten, "bytes instead of .*; get the pack again"),
        (lengthen, "has more bytes instead of .*; get the pack again"),
        (flip_a_bit, "wrong hash.; get the pack again"),
        (link, "is a link; a pack holds plain files only"),
        (replace_by_a_pipe, "no plain file"),
        (replace_by_a_folder, "no plain file"),
    ],
)
@pytest.mark.parametrize("name", ["image.onnx", "tokenizer.json"])
def test_a_file_that_is_not_as_promised_is_refused(
    folder: Path, name: str, damage: Callable[[Path], None], reason: str
) -> None:
    damage(folder / name)
    with pytest.raises(PackError, match=rf"{name}.*{reason}"):
        read_file(folder, manifest.read(folder), name)
    with pytest.raises(PackError, match=name):
        open_pack(folder).verify()


@pytest.mark.parametrize(
    "content",
    [b"", b"no model", pickle.dumps({"weights": [1.0]}), b"PK\x03\x04" + bytes(100), b"\x08\x07"],
)
@pytest.mark.parametrize("name", ["image.onnx", "text.onnx"])
def test_what_is_no_onnx_model_is_refused_before_any_runtime_reads_it(
    folder: Path, name: str, content: bytes
) -> None:
    (folder / name).write_bytes(content)
    sign(folder)
    with pytest.raises(PackError, match=rf"{name} is no ONNX model.*get the pack again"):
        read_onnx(folder, manifest.read(folder), name)


def test_a_model_that_is_changed_while_it_is_opened_is_refused(folder: Path) -> None:
    promised = manifest.read(folder)
    with (
        pytest.raises(PackError, match=r"image\.onnx was changed while it was opened"),
        checked_onnx(folder, promised, "image.onnx") as path,
    ):
        shutil.copyfile(folder / "text.onnx", path)


def outside(tensor: onnx.TensorProto, file: str = "../../secret") -> onnx.TensorProto:
    """The tensor with its weights in another file."""
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=file)
    return tensor


def small(tensor: onnx.TensorProto, where: str) -> onnx.ModelProto:
    """A model that holds the tensor as a weight, in a constant, or in a branch's constant."""
    result = helper.make_tensor_value_info("y", TensorProto.FLOAT, [2])
    constant = helper.make_node("Constant", [], ["y"], value=tensor)
    if where == "constant":
        graph = helper.make_graph([constant], "g", [], [result])
    elif where == "branch":
        branch = helper.make_graph([constant], "b", [], [result])
        choose = helper.make_node("If", ["c"], ["y"], then_branch=branch, else_branch=branch)
        given = helper.make_tensor_value_info("c", TensorProto.BOOL, [])
        graph = helper.make_graph([choose], "g", [given], [result])
    else:
        tensor.name = "w"
        node = helper.make_node("Identity", ["w"], ["y"])
        graph = helper.make_graph([node], "g", [], [result], [tensor])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)


@pytest.mark.parametrize("where", ["weight", "constant", "branch"])
def test_weights_in_other_files_are_found_wherever_they_hang(where: str) -> None:
    tensor = numpy_helper.from_array(np.float32([1, 2]))
    assert not uses_external_data(small(tensor, where).SerializeToString())
    assert uses_external_data(small(outside(tensor), where).SerializeToString())


def test_weights_in_a_function_are_found(folder: Path) -> None:
    tensor = outside(numpy_helper.from_array(np.float32([1, 2])))
    model = small(numpy_helper.from_array(np.float32([1, 2])), "weight")
    model.functions.append(
        helper.make_function(
            "d", "f", [], ["y"],
            [helper.make_node("Constant", [], ["y"], value=tensor)],
            [helper.make_opsetid("", 18)],
        )
    )  # fmt: skip
    assert uses_external_data(model.SerializeToString())


def test_a_pack_whose_weights_lie_outside_is_refused(folder: Path) -> None:
    model = onnx.load(folder / "text.onnx")
    outside(model.graph.initializer[0])
    (folder / "text.onnx").write_bytes(model.SerializeToString())
    sign(folder)
    with pytest.raises(PackError, match=r"text\.onnx keeps weights in other files"):
        open_pack(folder).encode_texts(["a"])


def test_graphs_within_graphs_come_to_an_end() -> None:
    def field(number: int, content: bytes) -> bytes:
        size, length = b"", len(content)
        while length > 127:
            size, length = size + bytes([length & 127 | 128]), length >> 7
        return bytes([number << 3 | 2]) + size + bytes([length]) + content

    graph = b""
    for _ in range(500):
        graph = field(1, field(5, field(6, graph)))  # node, its attribute, its graph
    with pytest.raises(NotONNXError, match="nested more than 64 deep"):
        uses_external_data(b"\x08\x09" + field(7, graph))


@settings(deadline=None, max_examples=300)
@given(st.binary(max_size=300))
def test_any_bytes_are_a_model_or_none(data: bytes) -> None:
    with contextlib.suppress(NotONNXError):
        assert uses_external_data(data) in (True, False)


@settings(deadline=None, max_examples=200)
@given(st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=8))
def test_a_damaged_model_is_a_model_or_none(changes: list[tuple[int, int]]) -> None:
    model = small(numpy_helper.from_array(np.float32([1, 2])), "branch").SerializeToString()
    data = bytearray(model)
    for place, value in changes:
        data[place % len(data)] = value
    with contextlib.suppress(NotONNXError):
        uses_external_data(bytes(data))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        struct.pack("<Q", 2**63) + b"{}",  # a header of 9 exabytes
        struct.pack("<Q", 100_000_001) + b"{" * 1000,
        struct.pack("<Q", 2) + b"{}",  # nothing in it
        pickle.dumps([1]),
    ],
)
def test_damaged_statistics_are_refused(folder: Path, content: bytes) -> None:
    (folder / "background.safetensors").write_bytes(content)
    sign(folder)
    with pytest.raises(PackError, match=r"background\.safetensors is damaged.*get the pack again"):
        _ = open_pack(folder).background


def test_statistics_of_another_size_are_refused(folder: Path) -> None:
    from safetensors.numpy import save_file

    names = {"mean": (16,), "covariance": (3, 3), "text_mean": (16,)}
    arrays = {name: np.zeros(shape, np.float32) for name, shape in names.items()}
    save_file(arrays, folder / "background.safetensors")
    sign(folder)
    with pytest.raises(PackError, match="of another pack's size"):
        _ = open_pack(folder).background


def test_a_sample_of_another_size_is_refused(folder: Path) -> None:
    from safetensors.numpy import load_file, save_file

    file = folder / "background.safetensors"
    save_file({**load_file(file), "sample": np.zeros((4, 15), np.float16)}, file)
    sign(folder)
    with pytest.raises(PackError, match="of another pack's size"):
        _ = open_pack(folder).background


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff\xfe", b'{"version": "1.0", "model": 7}'])
def test_what_is_no_tokenizer_is_refused(folder: Path, content: bytes) -> None:
    (folder / "tokenizer.json").write_bytes(content)
    sign(folder)
    with pytest.raises(PackError, match=r"tokenizer\.json is no tokenizer.*get the pack again"):
        open_pack(folder).encode_texts(["a"])


def test_a_tokenizer_that_makes_its_library_panic_is_refused(folder: Path) -> None:
    """A panic in Rust is no Exception: uncaught, it would end the program."""
    said = json.loads((folder / "tokenizer.json").read_text())
    said["post_processor"] = {
        "type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "nowhere", "type_id": 0}}],
        "pair": [], "special_tokens": {},
    }  # fmt: skip
    (folder / "tokenizer.json").write_text(json.dumps(said))
    sign(folder)
    with pytest.raises(PackError, match=r"tokenizer\.json is no tokenizer.*get the pack again"):
        open_pack(folder).encode_texts(["a"])


def test_words_that_are_no_text_are_refused(folder: Path) -> None:
    (folder / "words.txt").write_bytes(b"cat \xff dog")
    manifest.write(folder, replace(manifest.read(folder), words="words.txt"))
    with pytest.raises(PackError, match=r"words\.txt is damaged.*get the pack again"):
        _ = open_pack(folder).words


def test_a_tower_of_another_size_is_refused(folder: Path) -> None:
    known = manifest.read(folder)
    manifest.write(folder, replace(known, dim=15, background=None))
    with pytest.raises(PackError, match="15 numbers each were promised"):
        open_pack(folder).encode_texts(["red"])


def test_a_tower_whose_inputs_are_named_otherwise_is_refused(folder: Path) -> None:
    known = manifest.read(folder)
    manifest.write(folder, replace(known, image=replace(known.image, input="pictures")))
    pack = open_pack(folder)
    with pytest.raises(PackError, match=r"image\.onnx failed"):
        pack.encode_images(np.zeros((1, 32, 32, 3), np.uint8))


def test_a_tower_that_gives_no_numbers_is_refused(folder: Path) -> None:
    model = onnx.load(folder / "text.onnx")
    table = next(weight for weight in model.graph.initializer if weight.name == "table")
    values = np.full_like(numpy_helper.to_array(table), np.nan)
    table.CopyFrom(numpy_helper.from_array(values, "table"))
    (folder / "text.onnx").write_bytes(model.SerializeToString())
    sign(folder)
    with pytest.raises(PackError, match="not of numbers"):
        open_pack(folder).verify()
