"""A real classifier pack of a few kilobytes, built in view: its labels are colours.

The network averages a picture and scores each colour by the negative squared distance to it, so a
red picture is "red", and the probabilities are those of a Gaussian around each colour.
"""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from tests.packs.tiny_pack import COLOURS, SIDE

from albumen.packs import manifest
from albumen.packs.manifest import ImageTower, Licence, Manifest, PreprocessingRecord

SHARPNESS = 2.0  # of a squared distance of normalised colours, each from -1 to 1


def build(folder: Path, name: str = "colours", *, labels: tuple[str, ...] = tuple(COLOURS)) -> Path:
    """Write the pack into `folder` and return it; `labels` rename the colours, in their order."""
    folder.mkdir(parents=True, exist_ok=True)
    onnx.save(_network(), folder / "image.onnx")
    (folder / "CARD.md").write_text("# colours\nMade by a test; it tells colours apart.\n")
    half = (0.5, 0.5, 0.5)
    described = Manifest(
        format=1,
        name=name,
        kind="classifier",
        architecture="nearest colour",
        version="1",
        dim=len(COLOURS),
        image=ImageTower("image.onnx", "pixels", "logits"),
        preprocessing=PreprocessingRecord(SIDE, SIDE, "bicubic", half, half),
        licence=Licence("CC0-1.0", "CARD.md", "made by a test"),
        labels=labels,
        precision={"weights": "float32"},
        figures={"colours": {"top1": 1.0}},
        files={},
    )
    manifest.write(folder, described)
    return folder


def _network() -> onnx.ModelProto:
    """-|x - c|² = 2 x·c - |c|² - |x|², of which the last part is the same for every label."""
    colours = np.float32(list(COLOURS.values())) / 127.5 - 1  # (K, 3)
    constants = {
        "weights": 2 * SHARPNESS * colours.T,
        "bias": -SHARPNESS * (colours**2).sum(axis=1),
        "places": np.array([2, 3]),
    }
    nodes = [
        helper.make_node("ReduceMean", ["pixels", "places"], ["mean"], keepdims=0),
        helper.make_node("MatMul", ["mean", "weights"], ["products"]),
        helper.make_node("Add", ["products", "bias"], ["logits"]),
    ]
    pixels = helper.make_tensor_value_info("pixels", TensorProto.FLOAT, ["batch", 3, SIDE, SIDE])
    logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", len(COLOURS)])
    weights = [numpy_helper.from_array(value, key) for key, value in constants.items()]
    graph = helper.make_graph(nodes, "classifier", [pixels], [logits], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model)
    return model
