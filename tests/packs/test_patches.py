"""A convolution over patches becomes a matrix product that computes the same; others stay."""

from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from albumen.packs.patches import as_products

CHANNELS, WIDTH = 3, 5


def convolution(
    size: tuple[int | str, int | str],
    kernel: tuple[int, int],
    *,
    bias: bool = False,
    **attributes: Any,
) -> onnx.ModelProto:
    """pixels (B, 3, H, W) -> patches (B, 5, h, w), with random weights."""
    draw = np.random.default_rng(0)
    weights = {"kernel": draw.normal(size=(WIDTH, CHANNELS, *kernel)).astype(np.float32)}
    if bias:
        weights["bias"] = draw.normal(size=WIDTH).astype(np.float32)
    node = helper.make_node("Conv", ["pixels", *weights], ["patches"], **attributes)
    pixels = ["batch", CHANNELS, *size]
    graph = helper.make_graph(
        [node],
        "embedding",
        [helper.make_tensor_value_info("pixels", TensorProto.FLOAT, pixels)],
        [helper.make_tensor_value_info("patches", TensorProto.FLOAT, [None] * 4)],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)


def run(model: onnx.ModelProto, pixels: np.ndarray) -> np.ndarray:
    onnx.checker.check_model(model, full_check=True)
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    return session.run(None, {"pixels": pixels})[0]


def kinds(model: onnx.ModelProto) -> list[str]:
    return [node.op_type for node in model.graph.node]


@settings(max_examples=20, deadline=None)
@given(
    kernel=st.tuples(st.integers(1, 5), st.integers(2, 5)),
    patches=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    batch=st.integers(1, 3),
    bias=st.booleans(),
)
def test_the_product_gives_what_the_convolution_gave(
    kernel: tuple[int, int], patches: tuple[int, int], batch: int, bias: bool
) -> None:
    size = (kernel[0] * patches[0], kernel[1] * patches[1])
    model = convolution(size, kernel, bias=bias, strides=kernel)
    pixels = np.random.default_rng(1).normal(size=(batch, CHANNELS, *size)).astype(np.float32)
    before = run(model, pixels)
    as_products(model)
    assert "Conv" not in kinds(model)
    assert "kernel" not in [tensor.name for tensor in model.graph.initializer]
    np.testing.assert_allclose(run(model, pixels), before, atol=2e-5)


@pytest.mark.parametrize(
    ("size", "kernel", "attributes"),
    [
        ((8, 8), (4, 4), {"strides": (2, 2)}),
        ((8, 8), (4, 4), {"strides": (4, 4), "pads": (1, 1, 1, 1)}),
        ((8, 8), (4, 4), {"strides": (4, 4), "auto_pad": "SAME_UPPER"}),
        ((8, 8), (2, 2), {"strides": (2, 2), "dilations": (2, 2)}),
        ((8, 8), (1, 1), {"strides": (1, 1)}),
        ((9, 8), (4, 4), {"strides": (4, 4)}),
        (("height", "width"), (4, 4), {"strides": (4, 4)}),
    ],
    ids=["overlapping", "padded", "padded by itself", "dilated", "of a pixel", "not even", "any"],
)
def test_any_other_convolution_stays(
    size: tuple[int | str, int | str], kernel: tuple[int, int], attributes: dict[str, Any]
) -> None:
    model = convolution(size, kernel, **attributes)
    before = model.SerializeToString()
    as_products(model)
    assert model.SerializeToString() == before
