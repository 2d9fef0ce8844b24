"""A real CLIP pack of a few kilobytes, built in view: it knows colours, and words for them.

The picture tower averages each of 4×4 places and maps the colour to a vector; the text tower maps
each word for a colour to the vector of that colour and sums them up. So "red" finds red pictures.
"""

from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import save_file
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from tokenizers.processors import TemplateProcessing

from albumen.packs import manifest
from albumen.packs.manifest import (
    ImageTower,
    Licence,
    Manifest,
    PreprocessingRecord,
    TextTower,
    TokenizerRecord,
)

DIM, SIDE, PLACES, CONTEXT = 16, 32, 4, 16
COLOURS = {
    "red": (255, 0, 0), "green": (0, 255, 0), "blue": (0, 0, 255), "yellow": (255, 255, 0),
    "black": (0, 0, 0), "white": (255, 255, 255), "grey": (128, 128, 128),
}  # fmt: skip
SENTENCE = "a photo of the picture with people dog cat beach"

# Fixed, so that every run of the tests sees the same pack.
PROJECTION = np.random.default_rng(7).normal(size=(3, DIM)).astype(np.float32)
BIAS = np.random.default_rng(8).normal(size=DIM).astype(np.float32) * 0.3


def build(folder: Path, name: str = "tiny") -> Path:
    """Write the pack into `folder` and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = _tokenizer()
    tokenizer.save(str(folder / "tokenizer.json"))
    onnx.save(_image_tower(), folder / "image.onnx")
    onnx.save(_text_tower(tokenizer), folder / "text.onnx")
    statistics = {
        "mean": BIAS, "covariance": np.eye(DIM, dtype=np.float32),
        "text_mean": np.zeros(DIM, np.float32),
    }  # fmt: skip
    save_file(statistics, folder / "background.safetensors")
    (folder / "CARD.md").write_text("# tiny\nMade by a test; it knows colours.\n")
    manifest.write(folder, _manifest(name))
    return folder


def _manifest(name: str) -> Manifest:
    return Manifest(
        format=1,
        name=name,
        kind="clip",
        architecture="colours of 4x4 places",
        version="1",
        dim=DIM,
        image=ImageTower("image.onnx", "pixels", "embeds", "local_embeds", (PLACES, PLACES)),
        text=TextTower("text.onnx", "input_ids", "embeds"),
        tokenizer=TokenizerRecord("tokenizer.json", CONTEXT, pad_id=0, end_id=2),
        preprocessing=PreprocessingRecord(SIDE, SIDE, "bicubic", (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
        templates=("a photo of a {}", "{}"),
        licence=Licence("CC0-1.0", "CARD.md", "made by a test"),
        background="background.safetensors",
        files={},
    )


def _colour_vector(colour: tuple[int, int, int]) -> NDArray[np.float32]:
    """What a place of that colour contributes: (DIM,)."""
    vector: NDArray[np.float32] = (np.float32(colour) / 127.5 - 1) @ PROJECTION + BIAS
    return vector


def _image_tower() -> onnx.ModelProto:
    square = [SIDE // PLACES] * 2
    nodes = [
        helper.make_node("AveragePool", ["pixels"], ["means"], kernel_shape=square, strides=square),
        helper.make_node("Reshape", ["means", "flat"], ["columns"]),
        helper.make_node("Transpose", ["columns"], ["places"], perm=[0, 2, 1]),
        helper.make_node("MatMul", ["places", "projection"], ["projected"]),
        helper.make_node("Add", ["projected", "bias"], ["local"]),
        helper.make_node("ReduceMean", ["local", "axis"], ["mean"], keepdims=1),
        helper.make_node("ReduceL2", ["mean", "last"], ["length"], keepdims=1),
        helper.make_node("Div", ["local", "length"], ["local_embeds"]),
        helper.make_node("ReduceMean", ["local_embeds", "axis"], ["embeds"], keepdims=0),
    ]  # fmt: skip
    constants = {
        "flat": np.array([0, 3, PLACES**2]), "axis": np.array([1]), "last": np.array([2]),
        "projection": PROJECTION, "bias": BIAS,
    }  # fmt: skip
    pixels = helper.make_tensor_value_info("pixels", TensorProto.FLOAT, ["batch", 3, SIDE, SIDE])
    outputs = [_floats("embeds", "batch", DIM), _floats("local_embeds", "batch", PLACES**2, DIM)]
    return _model(nodes, [pixels], outputs, constants)


def _text_tower(tokenizer: Tokenizer) -> onnx.ModelProto:
    table = np.tile(BIAS * 0.01, (tokenizer.get_vocab_size(), 1)).astype(np.float32)
    for word, colour in COLOURS.items():
        table[tokenizer.token_to_id(word)] = _colour_vector(colour)
    nodes = [
        helper.make_node("Gather", ["table", "input_ids"], ["vectors"]),
        helper.make_node("ReduceSum", ["vectors", "axis"], ["sum"], keepdims=0),
        helper.make_node("ReduceL2", ["sum", "axis"], ["length"], keepdims=1),
        helper.make_node("Div", ["sum", "length"], ["embeds"]),
    ]
    ids = helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["batch", "tokens"])
    constants = {"table": table, "axis": np.array([1])}
    return _model(nodes, [ids], [_floats("embeds", "batch", DIM)], constants)


def _floats(name: str, *shape: str | int) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


def _model(nodes: list, inputs: list, outputs: list, constants: dict) -> onnx.ModelProto:
    weights = [numpy_helper.from_array(value, key) for key, value in constants.items()]
    graph = helper.make_graph(nodes, "tower", inputs, outputs, weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model)
    return model


def _tokenizer() -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=512,
        special_tokens=["<pad>", "<start>", "<end>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator([*COLOURS, SENTENCE] * 5, trainer)
    tokenizer.post_processor = TemplateProcessing(
        single="<start> $A <end>", special_tokens=[("<start>", 1), ("<end>", 2)]
    )
    return tokenizer
