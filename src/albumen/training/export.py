"""A trained CLIP as a pack's two ONNX graphs: half the bytes, the same answers.

Weights are stored as float16 and cast back to float32 where they are used: the files are half as
large, and everything is computed in float32. What that costs is measured against the PyTorch
towers, not assumed.
"""

import copy
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from albumen.models.clip import CLIP
from albumen.models.resnet import ConvNorm

OPSET = 18
SMALL = 1024
"""Tensors with fewer values stay float32: shapes, biases, scales."""


def without_batch_norm(module: nn.Module) -> nn.Module:
    """A copy for inference, each batch normalisation folded into the convolution before it."""
    module = copy.deepcopy(module).eval()
    for part in list(module.modules()):
        if isinstance(part, ConvNorm):
            conv, norm = part
            assert isinstance(conv, nn.Conv2d)
            assert isinstance(norm, nn.BatchNorm2d)
            part[0], part[1] = fuse_conv_bn_eval(conv, norm), nn.Identity()
    return module


def half_stored(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same graph, its large float32 weights stored as float16 behind a Cast to float32."""
    graph, casts = model.graph, []
    for weight in graph.initializer:
        if weight.data_type != TensorProto.FLOAT or np.prod(weight.dims) < SMALL:
            continue
        half = numpy_helper.to_array(weight).astype(np.float16)
        name = weight.name
        weight.CopyFrom(numpy_helper.from_array(half, f"{name}.half"))
        casts.append(helper.make_node("Cast", [f"{name}.half"], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    onnx.checker.check_model(model, full_check=True)
    return model


def export_image(clip: CLIP, size: int, file: Path) -> None:
    """Write `pixels` float32 (B, 3, size, size) -> `embeds` (B, D), `local_embeds` (B, P, D)."""
    pixels = torch.zeros(2, 3, size, size)
    dynamic = ({0: torch.export.Dim("batch")},)
    outputs = ["embeds", "local_embeds"]
    _export(without_batch_norm(clip.image), pixels, dynamic, file, "pixels", outputs)


def export_text(clip: CLIP, file: Path) -> None:
    """Write `input_ids` int64 (B, T) -> `embeds` (B, D), for any T up to the tower's context."""
    ids = torch.full((2, 7), clip.text.end_id)
    tokens = torch.export.Dim("tokens", min=2, max=clip.text.context)
    dynamic = ({0: torch.export.Dim("batch"), 1: tokens},)
    _export(copy.deepcopy(clip.text).eval(), ids, dynamic, file, "input_ids", ["embeds"])


def _export(
    module: nn.Module,
    example: Tensor,
    dynamic: tuple[dict[int, Any]],
    file: Path,
    name: str,
    outputs: list[str],
) -> None:
    program = torch.onnx.export(
        module,
        (example,),
        dynamo=True,
        opset_version=OPSET,
        dynamic_shapes=dynamic,
        input_names=[name],
        output_names=outputs,
        verbose=False,
    )
    assert program is not None
    program.optimize()
    model = half_stored(program.model_proto)
    onnx.save_model(without_traces(model), file)


def without_traces(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same graph without the exporter's notes on which line of which file made each part."""
    graph = model.graph
    parts = [*graph.node, *graph.input, *graph.output, *graph.initializer, graph, model]
    for part in parts:
        del part.metadata_props[:]
        part.doc_string = ""
    del graph.value_info[:]
    return model


def largest_difference(module: nn.Module, file: Path, inputs: Tensor) -> float:
    """The largest absolute difference of any output between the module and the ONNX file."""
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    found = session.run(None, {session.get_inputs()[0].name: inputs.numpy()})
    with torch.inference_mode():
        wanted = module.eval()(inputs)
    pairs = zip(found, wanted if isinstance(wanted, tuple) else (wanted,), strict=True)
    return max(float(np.abs(f - w.numpy()).max()) for f, w in pairs)
