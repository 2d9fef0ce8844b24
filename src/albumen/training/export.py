"""A trained CLIP as a pack's two ONNX graphs: half the bytes, the same answers.

Weights are stored as float16 and cast back to float32 where they are used: the files are half as
large, and everything is computed in float32. What that costs is measured against the PyTorch
towers, not assumed.
"""

import copy
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from albumen.models.clip import CLIP, AveragedImageTower
from albumen.models.resnet import ConvNorm

OPSET = 20  # the first with GELU as one operation, a tenth of a ViT's time
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


class LayerNormInSteps(nn.Module):
    """What `nn.LayerNorm` computes, in steps that ONNX Runtime does faster.

    Its own LayerNormalization takes 4.5 ns a number on a processor with AVX-512 (1.28), these steps
    1.1 ns: of a ViT-B/32 in int8 that was a quarter of the time. A division instead of `rsqrt`, and
    it would recognise them and put its own in their place.
    """

    def __init__(self, norm: nn.LayerNorm) -> None:
        super().__init__()
        self.weight, self.bias, self.eps = norm.weight, norm.bias, norm.eps

    def forward(self, x: Tensor) -> Tensor:
        """x: (..., D) -> (..., D)"""
        apart = x - x.mean(-1, keepdim=True)
        variance = (apart * apart).mean(-1, keepdim=True)
        return apart * torch.rsqrt(variance + self.eps) * self.weight + self.bias


def _put_layer_norms_in_steps(module: nn.Module) -> None:
    """In place: each layer normalisation over the last axis."""
    for part in list(module.modules()):
        for name, child in part.named_children():
            if isinstance(child, nn.LayerNorm) and len(child.normalized_shape) == 1:
                setattr(part, name, LayerNormInSteps(child))


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


def halve(file: Path, target: Path, pixels: object = None) -> None:
    """A float32 graph with weights stored as float16; `pixels` are not needed for it."""
    onnx.save(half_stored(onnx.load(file)), target)


def export_image(clip: CLIP, size: int, file: Path, *, half: bool = True) -> None:
    """Write `pixels` float32 (B, 3, size, size) -> `embeds` (B, D).

    A tower that averages places gives `local_embeds` (B, P, D) besides.
    """
    averages = isinstance(clip.image, AveragedImageTower)
    outputs = ["embeds", "local_embeds"] if averages else ["embeds"]
    _export_pixels(clip.image if averages else First(clip.image), size, file, outputs, half)


def export_classifier(model: nn.Module, size: int, file: Path, *, half: bool = True) -> None:
    """Write `pixels` float32 (B, 3, size, size) -> `logits` (B, classes)."""
    _export_pixels(model, size, file, ["logits"], half)


def export_fingerprint(network: nn.Module, size: int, file: Path, *, half: bool = True) -> None:
    """Write `pixels` float32 (B, 3, size, size) -> `embeds` (B, D)."""
    _export_pixels(network, size, file, ["embeds"], half)


class First(nn.Module):
    """A tower's first output alone: the exporter knows no output that is None."""

    def __init__(self, tower: nn.Module) -> None:
        super().__init__()
        self.tower = tower

    def forward(self, pixels: Tensor) -> Tensor:
        """pixels: (B, 3, H, W) -> (B, D)"""
        embeds: Tensor = self.tower(pixels)[0]
        return embeds


def export_text(clip: CLIP, file: Path, *, half: bool = True) -> None:
    """Write `input_ids` int64 (B, T) -> `embeds` (B, D), for any T up to the tower's context."""
    ids = torch.full((2, 7), clip.text.end_id)
    tokens = torch.export.Dim("tokens", min=2, max=clip.text.context)
    dynamic = ({0: torch.export.Dim("batch"), 1: tokens},)
    export(clip.text, ids, dynamic, file, "input_ids", ["embeds"], half=half)


def _export_pixels(
    module: nn.Module, size: int, file: Path, outputs: list[str], half: bool
) -> None:
    pixels = torch.zeros(2, 3, size, size)
    dynamic = ({0: torch.export.Dim("batch")},)
    export(module, pixels, dynamic, file, "pixels", outputs, half=half)


def export(
    module: nn.Module,
    example: Tensor,
    dynamic: tuple[dict[int, Any]],
    file: Path,
    name: str,
    outputs: list[str],
    *,
    half: bool = True,
) -> None:
    """Write `module` as a graph with the input `name`; `half`: its large weights as float16."""
    module = without_batch_norm(module)
    _put_layer_norms_in_steps(module)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # of PyTorch, to itself
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
    model = program.model_proto
    onnx.save_model(without_traces(half_stored(model) if half else model), file)


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
