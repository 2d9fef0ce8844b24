"""A Vision Transformer's patch embedding as the matrix product that it is, for ONNX graphs.

A convolution whose kernel is its stride takes each patch by itself. ONNX Runtime reduces products
to 8 bits where they run ("dynamic"), but no convolutions; in float32 the convolution is faster.
"""

from math import prod
from typing import Any

import numpy as np


def as_products(model: Any) -> None:
    """Rewrite each such convolution of an `onnx.ModelProto` in place, where sizes are known."""
    from onnx import shape_inference

    inferred = shape_inference.infer_shapes(model).graph
    shapes = {value.name: _shape(value) for value in [*inferred.input, *inferred.value_info]}
    weights = {tensor.name: tensor for tensor in model.graph.initializer}
    nodes = []
    for node in model.graph.node:
        patches = _of_patches(node, shapes, weights)
        nodes += _product(model.graph, node, weights, patches) if patches else [node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    # A weight that nothing reads any more would be kept all the same.
    read = {name for node in nodes for name in node.input}
    for name in set(weights) - read:
        model.graph.initializer.remove(weights[name])


def _shape(value: Any) -> list[int]:
    """Of a ValueInfoProto; 0 for what is not known."""
    return [size.dim_value for size in value.type.tensor_type.shape.dim]


def _of_patches(
    node: Any, shapes: dict[str, list[int]], weights: dict[str, Any]
) -> tuple[int, int] | None:
    """How many patches (down, across) a convolution has that cuts its input into such."""
    from onnx import helper

    if node.op_type != "Conv" or node.input[1] not in weights:
        return None
    attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    kernel = list(weights[node.input[1]].dims[2:])
    size = shapes.get(node.input[0], [])[2:]
    apart = (
        prod(kernel) > 1
        and list(attributes.get("strides", [])) == kernel
        and attributes.get("group", 1) == 1
        and not any(attributes.get("pads", []))
        and set(attributes.get("dilations", [1])) == {1}
        and attributes.get("auto_pad", b"NOTSET") in (b"NOTSET", b"VALID")
    )
    if not apart or len(kernel) != 2 or len(size) != 2 or not all(size):
        return None
    if any(side % length for side, length in zip(size, kernel, strict=True)):
        return None
    return size[0] // kernel[0], size[1] // kernel[1]


def _product(graph: Any, node: Any, weights: dict[str, Any], patches: tuple[int, int]) -> list[Any]:
    """Nodes that compute the same: (B, C, H, W) -> (B, N, patch) -> (B, N, D) -> (B, D, h, w)."""
    from onnx import helper, numpy_helper

    kernel = numpy_helper.to_array(weights[node.input[1]])
    width, channels, tall, wide = kernel.shape
    down, across = patches
    name = f"{node.output[0]}.patches"
    cut = [0, channels, down, tall, across, wide]
    constants = {
        f"{name}.cut": np.array(cut, np.int64),
        f"{name}.flat": np.array([0, down * across, channels * tall * wide], np.int64),
        f"{name}.weight": np.ascontiguousarray(kernel.reshape(width, -1).T),
        f"{name}.grid": np.array([0, width, down, across], np.int64),
    }
    graph.initializer.extend(numpy_helper.from_array(v, n) for n, v in constants.items())
    steps: list[tuple[str, list[str], list[int] | None]] = [
        ("Reshape", [f"{name}.cut"], None),
        ("Transpose", [], [0, 2, 4, 1, 3, 5]),
        ("Reshape", [f"{name}.flat"], None),
        ("MatMul", [f"{name}.weight"], None),
        *[("Add", [bias], None) for bias in node.input[2:]],
        ("Transpose", [], [0, 2, 1]),
        ("Reshape", [f"{name}.grid"], None),
    ]
    nodes, last = [], node.input[0]
    for number, (kind, more, perm) in enumerate(steps, 1):
        made = f"{name}.{number}" if number < len(steps) else node.output[0]
        nodes.append(helper.make_node(kind, [last, *more], [made], perm=perm))
        last = made
    return nodes
