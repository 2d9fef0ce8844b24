"""From PyTorch towers to ONNX files."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import TensorProto
from torch import nn

from albumen.models.clip import CLIP, CLIPConfig, TextConfig
from albumen.models.resnet import ResNetConfig
from albumen.training.export import (
    LayerNormInSteps,
    export,
    export_image,
    export_text,
    largest_difference,
    without_batch_norm,
)

CONFIG = CLIPConfig(
    dim=16,
    image=ResNetConfig(widths=(8, 16, 32, 32)),
    text=TextConfig(vocabulary=300, context=9, width=32, layers=2, heads=2, end_id=2),
)


@pytest.fixture(scope="module")
def clip() -> CLIP:
    torch.manual_seed(0)
    clip = CLIP(CONFIG)
    for _ in range(3):  # batch normalisation that has seen something
        clip.image(torch.randn(8, 3, 64, 64) * 2 + 1)
    return clip.eval()


@pytest.fixture(scope="module")
def files(clip: CLIP, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pack")
    export_image(clip, 64, folder / "image.onnx")
    export_text(clip, folder / "text.onnx")
    return folder


def test_folding_batch_norm_changes_nothing_but_rounding(clip: CLIP) -> None:
    pixels = torch.randn(2, 3, 64, 64)
    folded = without_batch_norm(clip.image)
    assert not any(isinstance(m, torch.nn.BatchNorm2d) for m in folded.modules())
    torch.testing.assert_close(folded(pixels), clip.image(pixels), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("batch", [1, 5])
def test_the_image_graph_answers_as_the_tower_for_any_batch(
    clip: CLIP, files: Path, batch: int
) -> None:
    pixels = torch.randn(batch, 3, 64, 64)
    assert largest_difference(clip.image, files / "image.onnx", pixels) < 2e-3


@pytest.mark.parametrize("tokens", [2, 5, 9])
def test_the_text_graph_answers_as_the_tower_for_any_length(
    clip: CLIP, files: Path, tokens: int
) -> None:
    ids = torch.randint(3, 300, (4, tokens))
    ids[:, -1] = 2
    ids[0, 1:] = torch.tensor([2] + [0] * (tokens - 2))
    assert largest_difference(clip.text, files / "text.onnx", ids) < 2e-3


def test_the_graphs_average_of_places_is_the_embedding(files: Path) -> None:
    session = onnxruntime.InferenceSession(str(files / "image.onnx"))
    pixels = np.random.default_rng(0).normal(size=(3, 3, 64, 64)).astype(np.float32)
    embeds, local = session.run(["embeds", "local_embeds"], {"pixels": pixels})
    np.testing.assert_allclose(local.mean(1), embeds, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(embeds, axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("name", ["image.onnx", "text.onnx"])
def test_large_weights_are_stored_as_float16_inside_the_file(files: Path, name: str) -> None:
    model = onnx.load(files / name, load_external_data=False)
    large = [w for w in model.graph.initializer if np.prod(w.dims) >= 1024]
    assert large
    assert {w.data_type for w in large} == {TensorProto.FLOAT16}
    assert all(w.data_location == TensorProto.DEFAULT for w in model.graph.initializer)
    assert not any(node.metadata_props for node in model.graph.node)


def test_layer_normalisation_in_steps_is_the_same_and_stays_apart(tmp_path: Path) -> None:
    torch.manual_seed(0)
    norm, x = nn.LayerNorm(24), 50 + 3 * torch.randn(2, 5, 24)
    nn.init.normal_(norm.weight)
    nn.init.normal_(norm.bias)
    torch.testing.assert_close(LayerNormInSteps(norm)(x), norm(x), rtol=1e-5, atol=1e-5)
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "optimised.onnx")
    network, sizes = nn.Sequential(norm), ({0: torch.export.Dim("batch")},)
    export(network, x, sizes, tmp_path / "norm.onnx", "x", ["y"])
    onnxruntime.InferenceSession(tmp_path / "norm.onnx", options)
    kinds = {node.op_type for node in onnx.load(tmp_path / "optimised.onnx").graph.node}
    assert "LayerNormalization" not in kinds
