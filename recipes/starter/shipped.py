"""The towers of a starter that was shipped, as weights to go on with.

A pack's graphs hold all that its towers know, but in another form: matrices transposed, and each
batch normalisation folded into the convolution before it. Here it is taken apart again: a fresh
normalisation gets the mean and deviation that some pictures show, and undoes them exactly, so the
tower answers as the graph does and can be trained as any other.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn

from albumen.models.clip import CLIP
from albumen.models.resnet import ConvNorm


def go_on(clip: CLIP, pack: Path, scale: float, pixels: Tensor) -> None:
    """Give both towers the pack's weights; pixels: (B, 3, H, W), a few hundred pictures."""
    load_text(clip.text, pack / "text.onnx")
    load_image(clip.image, pack / "image.onnx", pixels)
    with torch.no_grad():
        clip.log_scale.fill_(float(np.log(scale)))


def load_text(text: nn.Module, file: Path) -> None:
    """The graph's named weights, and its unnamed matrices, which stand in order of use."""
    found = dict(weights(file))
    matrices = iter([v.T for k, v in found.items() if k.startswith("val_") and v.ndim == 2])
    names = [name for name, _ in text.named_parameters()]  # defined in the order of their use
    text.load_state_dict({n: found[n] if n in found else next(matrices) for n in names})


def load_image(tower: nn.Module, file: Path, pixels: Tensor) -> None:
    """Convolutions and projection from the graph; normalisations from what `pixels` show."""
    found = dict(weights(file))
    for name, module in tower.named_modules():
        if isinstance(module, ConvNorm):
            module[0].load_state_dict({"weight": found[f"{name}.0.weight"]})
            module.register_forward_pre_hook(unfolded(found[f"{name}.0.bias"]))
    matrix = next(v.T for k, v in found.items() if k.startswith("val_") and v.ndim == 2)
    tower.projection.load_state_dict({"weight": matrix, "bias": found["projection.bias"]})
    with torch.inference_mode():
        tower.eval()(pixels)
    for module in tower.modules():
        module._forward_pre_hooks.clear()


def unfolded(bias: Tensor):
    """A hook that gives a normalisation the statistics of its first input, and undoes them."""

    def hook(module: ConvNorm, inputs: tuple[Tensor]) -> None:
        conv, norm = module
        x = conv(inputs[0])
        norm.running_mean.copy_(x.mean((0, 2, 3)))
        norm.running_var.copy_(x.var((0, 2, 3), correction=0))
        norm.weight.data.copy_((norm.running_var + norm.eps).sqrt())
        norm.bias.data.copy_(norm.running_mean + bias)

    return hook


def weights(file: Path) -> Iterator[tuple[str, Tensor]]:
    """The graph's float tensors in float32, in the graph's order."""
    for tensor in onnx.load(file).graph.initializer:
        value = numpy_helper.to_array(tensor)
        if value.dtype.kind == "f":
            name = tensor.name.removesuffix(".half")
            yield name, torch.from_numpy(value.astype(np.float32))
