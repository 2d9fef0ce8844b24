"""`albumen models`: the networks by name, layer by layer, and the introduction's figures."""

import subprocess
import sys

import pytest
import torch

from albumen.models.clip import CLIP_B16
from albumen.models.variants import NAMES, find
from albumen.models.vit import VIT_S32


def test_claim_c3_a_convolution_has_448_parameters_and_its_dense_twin_fifty_million(
    albumen,
) -> None:
    told = albumen("models", "describe", "convnet", "--json").json
    first = told["layers"][0]
    assert (first["kind"], first["parameters"], first["shape"]) == ("Conv2d", 448, [16, 32, 32])
    assert first["dense"] == {"weights": 50_331_648, "biases": 16_384}
    assert first["dense"]["weights"] != 800_000_000
    assert (first["receptive_field"], first["multiply_adds"]) == (3, 16 * 32 * 32 * 27)
    assert told["layers"][-1]["receptive_field"] == "whole"
    words = albumen("models", "describe", "convnet").out
    assert "50,331,648 + 16,384" in words
    assert "convnet has 24,458 parameters" in words


def test_json_says_all_parameters_also_those_outside_layers(albumen) -> None:
    told = albumen("models", "describe", "ViT-B/16", "--json").json
    assert (told["name"], told["side"], told["context"]) == ("vit-b16", 224, None)
    assert told["parameters"] == 86_567_656  # as published
    outside = told["parameters"] - sum(layer["parameters"] for layer in told["layers"])
    assert outside == 197 * 768 + 768  # positions and the class token
    assert told["multiply_adds"] == sum(layer["multiply_adds"] for layer in told["layers"])


def test_a_text_tower_sees_no_picture(albumen) -> None:
    told = albumen("models", "describe", "starter", "--json").json
    assert (told["name"], told["side"], told["context"]) == ("clip-starter", 112, 32)
    seen = [
        layer["receptive_field"] for layer in told["layers"] if layer["name"].startswith("text")
    ]
    assert set(seen) == {None}


def test_the_list_holds_every_family(albumen) -> None:
    told = {one["name"]: one for one in albumen("models", "list", "--json").json}
    assert list(told) == list(NAMES)
    assert told["resnet50"]["parameters"] == 25_557_032
    assert told["clip-b32"]["parameters"] == 151_277_313
    assert told["convnet"]["side"] == 32
    assert "25,557,032" in albumen("models", "list").out


@pytest.mark.parametrize(
    ("written", "ours"),
    [
        ("resnet-18", "resnet18"),
        ("ResNet-152", "resnet152"),
        ("resnet-20", "cifar-resnet20"),
        ("resnet1202", "cifar-resnet1202"),
        ("cifar-resnet-110", "cifar-resnet110"),
        ("plain-resnet-34", "plain-resnet34"),
        ("plain-resnet-56", "plain-cifar-resnet56"),
        ("ViT-Ti/16", "vit-ti16"),
        ("vit-l-32", "vit-l32"),
        ("CLIP-ViT-L/14", "clip-l14"),
        ("clip-vit-b-32-256", "clip-b32-256"),
        ("clip-rn50", "clip-rn50"),
        ("starter", "clip-starter"),
        *((name, name) for name in NAMES),
    ],
)
def test_names_are_taken_as_people_write_them(written: str, ours: str) -> None:
    assert find(written).name == ours


def test_names_lead_to_the_networks_meant() -> None:
    assert find("vit-s/32").side == VIT_S32.size
    assert find("clip-vit-b/16").context == CLIP_B16.text.context
    with torch.device("meta"):
        built = find("plain-resnet-56").build()
        assert len([m for m in built.modules() if isinstance(m, torch.nn.Conv2d)]) == 55


@pytest.mark.parametrize("name", ["resnet-21", "vit-b17", "alexnet", ""])
def test_a_name_that_is_none_is_answered_with_those_there_are(albumen, name: str) -> None:
    done = albumen("models", "describe", name)
    assert done.code == 2
    assert "albumen: " in done.err
    assert "Traceback" not in done.err


def test_without_pytorch_it_says_what_to_install() -> None:
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "from albumen.cli.main import run; sys.exit(run(['models', 'list']))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 3
    assert done.stderr == (
        "albumen: describing networks needs PyTorch; run: pip install 'albumen[train]'\n"
    )
