"""What holds for all four families together."""

import subprocess
import sys

import pytest
import torch
from torch import nn

from albumen.models import variants
from albumen.models.clip import CLIP, CLIP_B32
from albumen.models.layers import Attention, Block
from albumen.models.vit import VIT_B16, ViT

ALONE = """
import importlib.abc, sys
import torch  # with whatever it brings along itself

class Refuse(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name.partition(".")[0] in sys.stdlib_module_names | {"torch"}:
            return None
        if name in {"albumen", "albumen.errors"} or name.startswith("albumen.models"):
            return None
        raise ImportError(f"{name} is not to be imported by models")

sys.meta_path.insert(0, Refuse())
from albumen.models import clip, convnet, describe, resnet, variants, vit
pixels = torch.rand(1, 3, 32, 32)
for model in (
    convnet.ConvNet(),
    resnet.ResNet(resnet.cifar(8)),
    vit.ViT(vit.ViTConfig(32, 8, 24, 2, 3)),
):
    assert model(pixels).isfinite().all()
text = clip.TextConfig(vocabulary=9, context=5, width=16, layers=1, heads=2, end_id=8)
tower = vit.ViTConfig(32, 8, 24, 1, 3)
logits = clip.CLIP(clip.CLIPConfig(12, tower, text))(pixels, torch.tensor([[1, 2, 8]]))
assert logits.shape == (1, 1)
print(describe.table(describe.describe(convnet.ConvNet(), pixels)).splitlines()[1])
"""


def test_models_need_torch_and_nothing_else() -> None:
    """Importing anything but torch and the standard library fails in this process."""
    done = subprocess.run([sys.executable, "-c", ALONE], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert " 448 " in done.stdout


def test_one_transformer_block_serves_vit_and_both_towers_of_clip() -> None:
    with torch.device("meta"):
        vit, clip = ViT(VIT_B16), CLIP(CLIP_B32)
    for tower in (vit.trunk, clip.image.trunk, clip.text):
        assert len(tower.blocks) == 12
        assert {type(block) for block in tower.blocks} == {Block}
    attentive = [m for model in (vit, clip) for m in model.modules() if isinstance(m, Attention)]
    assert len(attentive) == 36
    assert not any(isinstance(m, nn.MultiheadAttention) for m in [*vit.modules(), *clip.modules()])
    assert {a.causal for a in clip.text.modules() if isinstance(a, Attention)} == {True}
    assert {a.causal for a in clip.image.modules() if isinstance(a, Attention)} == {False}


@pytest.mark.parametrize("name", [*variants.NAMES, "cifar-resnet32", "plain-resnet50"])
def test_every_named_variant_takes_the_inputs_that_it_names(name: str) -> None:
    with torch.device("meta"):
        variant = variants.find(name)
        outputs = variant.build().eval()(*variant.inputs())
    classes = 10 if name.startswith(("convnet", "cifar")) else 1000
    assert outputs.shape == ((1, 1) if name.startswith("clip") else (1, classes))


@pytest.mark.parametrize("name", ["resnext50", "plain-vit-b16", "", "cifar-resnet"])
def test_a_name_that_there_is_not_is_answered_with_those_that_there_are(name: str) -> None:
    with pytest.raises(ValueError, match=r"no model is called .*resnet50.*clip-b32"):
        variants.find(name)


def test_a_cifar_name_of_an_impossible_depth_says_why() -> None:
    with pytest.raises(ValueError, match="6n \\+ 2"):
        variants.find("cifar-resnet21").build()
