"""Our models give what the sources' own models give, from the sources' own files.

References are built by the sources' packages with random weights, saved as those packages save
them, loaded by us and compared: in float64 to 1e-9, in float32 to 1e-5 of the largest magnitude.
"""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import open_clip
import pytest
import safetensors.torch
import timm
import torch
import torch.nn.functional as F
import torchvision
import transformers
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from albumen.checkpoints import Preprocessing, load
from albumen.checkpoints.card import OPENAI_PREPROCESSING

Outputs = Callable[[nn.Module], list[Tensor]]


def randomised(model: nn.Module, seed: int = 0) -> nn.Module:
    """Random everywhere: as built, biases are 0, class tokens too, running variances 1."""
    generator = torch.Generator().manual_seed(seed)
    for name, tensor in model.state_dict().items():
        vector = tensor.is_floating_point() and tensor.ndim == 1
        if vector or "cls_token" in name or "class_token" in name:
            tensor += 0.1 * torch.rand(tensor.shape, generator=generator)
    return model.eval()


def agree(theirs: nn.Module, ours: nn.Module, of_theirs: Outputs, of_ours: Outputs) -> None:
    """float32 first, since `.double()` changes a module in place."""
    for dtype, tolerance in [(torch.float32, 1e-5), (torch.float64, 1e-9)]:
        theirs, ours = theirs.to(dtype), ours.to(dtype)
        with torch.inference_mode():
            for wanted, given in zip(of_theirs(theirs), of_ours(ours), strict=True):
                assert wanted.dtype == given.dtype == dtype
                assert wanted.shape == given.shape
                assert wanted.abs().max() > 0
                assert (wanted - given).abs().max() <= tolerance * wanted.abs().max()


def pixels(model: nn.Module, size: int, batch: int = 2) -> Tensor:
    generator = torch.Generator().manual_seed(7)
    picture = torch.randn(batch, 3, size, size, generator=generator)
    return picture.to(next(model.parameters()).dtype)


def agree_as_classifiers(theirs: nn.Module, ours: nn.Module, size: int, batch: int = 2) -> None:
    def logits(model: nn.Module) -> list[Tensor]:
        given = model(pixels(model, size, batch))
        return [given if isinstance(given, Tensor) else given.logits]

    agree(theirs, ours, logits, logits)


def tiny_hf_vit() -> transformers.ViTForImageClassification:
    config = transformers.ViTConfig(
        hidden_size=24,
        num_hidden_layers=2,
        num_attention_heads=3,
        intermediate_size=96,
        image_size=32,
        patch_size=8,
        id2label={0: "cat", 1: "dog", 2: "coffee latte"},
        label2id={"cat": 0, "dog": 1, "coffee latte": 2},
    )
    return randomised(transformers.ViTForImageClassification(config))


def hf_clip(vision: dict[str, object], text: dict[str, object]) -> transformers.CLIPModel:
    config = transformers.CLIPConfig(text_config=text, vision_config=vision, projection_dim=12)
    return randomised(transformers.CLIPModel(config))


def tiny_hf_clip(activation: str) -> transformers.CLIPModel:
    return hf_clip(
        {
            "hidden_size": 24,
            "num_hidden_layers": 2,
            "num_attention_heads": 3,
            "intermediate_size": 96,
            "image_size": 32,
            "patch_size": 8,
            "hidden_act": activation,
        },
        {
            "hidden_size": 16,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "intermediate_size": 64,
            "vocab_size": 99,
            "max_position_embeddings": 12,
            "eos_token_id": 98,
            "bos_token_id": 97,
            "hidden_act": activation,
        },
    )


def save_as_the_hub(model: nn.Module, folder: Path, processor: object, *others: object) -> None:
    """config.json, model.safetensors, preprocessor_config.json and, for texts, tokenizer files."""
    for part in (model, processor, *others):
        part.save_pretrained(folder)
    assert {"config.json", "model.safetensors", "preprocessor_config.json"} <= {
        file.name for file in folder.iterdir()
    }


def tiny_tokenizer() -> transformers.CLIPTokenizer:
    characters = "abcdefghijklmnopqrstuvwxyz"
    words = [*characters, *(letter + "</w>" for letter in characters)]
    names = [*words, "<|startoftext|>", "<|endoftext|>"]
    return transformers.CLIPTokenizer(
        vocab={name: i for i, name in enumerate(names)}, merges=[], model_max_length=12
    )


def agree_as_hf_clip(theirs: nn.Module, ours: nn.Module, size: int, ids: Tensor) -> None:
    def of_theirs(model: nn.Module) -> list[Tensor]:
        mask = torch.ones_like(ids)
        given = model(input_ids=ids, pixel_values=pixels(model, size), attention_mask=mask)
        return [given.image_embeds, given.text_embeds, given.logits_per_image]

    def of_ours(model: nn.Module) -> list[Tensor]:
        picture = pixels(model, size)
        return [model.image(picture)[0], model.text(ids), model(picture, ids)]

    agree(theirs, ours, of_theirs, of_ours)


def test_hugging_face_vit(tmp_path: Path) -> None:
    theirs = tiny_hf_vit()
    processor = transformers.ViTImageProcessorPil(size={"height": 32, "width": 32})
    save_as_the_hub(theirs, tmp_path, processor)
    ours, card = load(tmp_path)
    assert card.labels == ("cat", "dog", "coffee latte")
    assert card.preprocessing is not None
    assert (card.preprocessing.resize, card.preprocessing.crop) == ((32, 32), None)
    agree_as_classifiers(theirs, ours, 32)


def test_hugging_face_vit_at_another_size_and_its_inner_states(tmp_path: Path) -> None:
    theirs = tiny_hf_vit()
    theirs.save_pretrained(tmp_path)
    ours, _ = load(tmp_path)

    def of_theirs(model: nn.Module) -> list[Tensor]:
        larger = model(pixels(model, 48), interpolate_pos_encoding=True)
        said = model(pixels(model, 32), output_hidden_states=True)
        return [larger.logits, said.hidden_states[0], said.hidden_states[1]]

    def of_ours(model: nn.Module) -> list[Tensor]:
        seen = model.observe(pixels(model, 32), ["embedded", "blocks.0"])
        return [model(pixels(model, 48)), *seen.values()]

    agree(theirs, ours, of_theirs, of_ours)


def test_hugging_face_vits_attention_maps(tmp_path: Path) -> None:
    """In float32 alone: their softmax is in float32 whatever the model is in."""
    theirs = tiny_hf_vit()
    theirs.set_attn_implementation("eager")  # the one that gives attention maps
    theirs.save_pretrained(tmp_path)
    ours, _ = load(tmp_path)
    with torch.inference_mode():
        maps = theirs(pixels(theirs, 32), output_attentions=True).attentions
        seen = ours.observe(pixels(ours, 32), ["attention.0", "attention.1"])
    torch.testing.assert_close(tuple(seen.values()), tuple(maps), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("activation", ["quick_gelu", "gelu"])
def test_hugging_face_clip(tmp_path: Path, activation: str) -> None:
    theirs = tiny_hf_clip(activation)
    processor = transformers.CLIPImageProcessorPil(size={"shortest_edge": 32}, crop_size=32)
    save_as_the_hub(theirs, tmp_path, processor, tiny_tokenizer())
    assert (tmp_path / "tokenizer.json").exists()
    ours, card = load(tmp_path)
    assert card.preprocessing == replace(OPENAI_PREPROCESSING, resize=32, crop=32)
    # One text ends early: what follows its end token must not count.
    ids = torch.tensor([[97, 5, 6, 98, 98, 98], [97, 7, 8, 9, 10, 98]])
    agree_as_hf_clip(theirs, ours, 32, ids)


@pytest.mark.parametrize("kind", ["basic", "bottleneck"])
def test_hugging_face_resnet(tmp_path: Path, kind: str) -> None:
    expansion = 4 if kind == "bottleneck" else 1
    config = transformers.ResNetConfig(
        embedding_size=8,
        hidden_sizes=[8 * expansion, 16 * expansion],
        depths=[1, 2],
        layer_type=kind,
        num_labels=3,
    )
    theirs = randomised(transformers.ResNetForImageClassification(config))
    processor = transformers.ConvNextImageProcessorPil(size={"shortest_edge": 64}, crop_pct=0.8)
    save_as_the_hub(theirs, tmp_path, processor)
    ours, card = load(tmp_path)
    assert card.preprocessing is not None
    assert (card.preprocessing.resize, card.preprocessing.crop) == (80, 64)
    agree_as_classifiers(theirs, ours, 64)


@pytest.mark.parametrize("kind", ["BasicBlock", "Bottleneck"])
def test_torchvision_resnet(tmp_path: Path, kind: str) -> None:
    block = getattr(torchvision.models.resnet, kind)
    theirs = randomised(torchvision.models.ResNet(block, [1, 2, 1, 1], num_classes=7))
    torch.save(theirs.state_dict(), tmp_path / "resnet.pth")
    agree_as_classifiers(theirs, load(tmp_path / "resnet.pth")[0], 64)


def test_torchvision_vit(tmp_path: Path) -> None:
    theirs = torchvision.models.VisionTransformer(32, 8, 2, 2, 128, 512, num_classes=7)
    nn.init.normal_(theirs.heads.head.weight)  # as built it is 0
    torch.save(randomised(theirs).state_dict(), tmp_path / "vit.pth")
    ours, card = load(tmp_path / "vit.pth")
    assert card.format == "torchvision"
    agree_as_classifiers(theirs, ours, 32)


@pytest.mark.parametrize("pool", ["token", "avg"])
def test_timm_vit(tmp_path: Path, pool: str) -> None:
    theirs = randomised(
        timm.models.VisionTransformer(
            img_size=32,
            patch_size=8,
            embed_dim=128,
            depth=2,
            num_heads=2,
            num_classes=7,
            global_pool=pool,
            class_token=pool == "token",
            fc_norm=False,
        )
    )
    safetensors.torch.save_file(theirs.state_dict(), tmp_path / "model.safetensors")
    agree_as_classifiers(theirs, load(tmp_path / "model.safetensors")[0], 32)


def test_timm_resnet(tmp_path: Path) -> None:
    theirs = timm.models.ResNet(
        timm.models.resnet.Bottleneck, (1, 1, 2, 1), num_classes=7, channels=(64, 24, 32, 40)
    )
    safetensors.torch.save_file(randomised(theirs).state_dict(), tmp_path / "model.safetensors")
    agree_as_classifiers(theirs, load(tmp_path / "model.safetensors")[0], 64)


def tiny_open_clip(tower: str, quick: bool) -> nn.Module:
    vision: dict[str, object] = {"image_size": 32, "layers": 2, "width": 128, "patch_size": 8}
    if tower == "ResNet":
        vision = {"image_size": 64, "layers": [1, 2, 1, 1], "width": 16}
    text = {"context_length": 12, "vocab_size": 99, "width": 64, "heads": 1, "layers": 2}
    model = open_clip.CLIP(24, vision, text, quick_gelu=quick)
    if tower == "ResNet":  # as built some of its normalisations silence whole blocks
        for name, tensor in model.state_dict().items():
            if name.endswith("bn3.weight"):
                tensor += 0.5
    return randomised(model)


def agree_as_open_clip(theirs: nn.Module, ours: nn.Module, size: int, ids: Tensor) -> None:
    def of_theirs(model: nn.Module) -> list[Tensor]:
        image, text, scale = model(pixels(model, size), ids)[:3]
        return [image, text, scale * image @ text.T]

    def of_ours(model: nn.Module) -> list[Tensor]:
        picture = pixels(model, size)
        return [model.image(picture)[0], model.text(ids), model(picture, ids)]

    agree(theirs, ours, of_theirs, of_ours)


@pytest.mark.parametrize("tower", ["ViT", "ResNet"])
@pytest.mark.parametrize("quick", [True, False], ids=["quick_gelu", "gelu"])
def test_open_clip_and_openai_clip(tmp_path: Path, tower: str, quick: bool) -> None:
    theirs, size = tiny_open_clip(tower, quick), 32 if tower == "ViT" else 64
    safetensors.torch.save_file(theirs.state_dict(), tmp_path / "clip.safetensors")
    ours, card = load(tmp_path / "clip.safetensors", activation="quick_gelu" if quick else "gelu")
    assert card.preprocessing is not None
    assert card.preprocessing.crop == size
    ids = torch.tensor([[97, 5, 6, 98, 0, 0], [97, 7, 8, 9, 10, 98]])
    ids = torch.cat([ids, torch.zeros(2, 6, dtype=torch.int64)], 1)
    agree_as_open_clip(theirs, ours, size, ids)


@pytest.mark.parametrize("tower", ["ViT", "ResNet"])
def test_openais_own_state_dict_in_half_precision(tmp_path: Path, tower: str) -> None:
    """Its three numbers beside the weights tell that it was trained with QuickGELU."""
    theirs, size = tiny_open_clip(tower, quick=True), 32 if tower == "ViT" else 64
    state = {name: tensor.half() for name, tensor in theirs.state_dict().items()}
    numbers = {"input_resolution": size, "context_length": 12, "vocab_size": 99}
    torch.save(state | {k: torch.tensor(v) for k, v in numbers.items()}, tmp_path / "clip.pt")
    ours, card = load(tmp_path / "clip.pt")
    assert card.format == "OpenAI CLIP"
    theirs.load_state_dict(state)  # rounded as the file is
    ids = torch.zeros(2, 12, dtype=torch.int64)
    ids[:, 0], ids[0, 3], ids[1, 6] = 97, 98, 98
    agree_as_open_clip(theirs, ours, size, ids)


class CifarBlock(nn.Module):
    """As akamaster/pytorch_resnet_cifar10 has it, written anew from the paper and its names."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.stride = outputs // inputs
        self.conv1 = nn.Conv2d(inputs, outputs, 3, self.stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        residual = self.bn2(self.conv2(self.bn1(self.conv1(x)).relu()))
        if self.stride == 2:  # option A: a quarter of the channels as zeros on either side
            x = x[:, :, ::2, ::2]
            zeros = torch.zeros_like(x)[:, : x.shape[1] // 2]
            x = torch.cat([zeros, x, zeros], 1)
        return (residual + x).relu()


class CifarReference(nn.Module):
    """A CIFAR ResNet of 6n + 2 layers by the source's names."""

    def __init__(self, n: int) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16)
        self.layer1 = nn.Sequential(*(CifarBlock(16, 16) for _ in range(n)))
        self.layer2 = nn.Sequential(*(CifarBlock(32 if i else 16, 32) for i in range(n)))
        self.layer3 = nn.Sequential(*(CifarBlock(64 if i else 32, 64) for i in range(n)))
        self.linear = nn.Linear(64, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.bn1(self.conv1(x)).relu()
        x = self.layer3(self.layer2(self.layer1(x)))
        return self.linear(F.avg_pool2d(x, 8).flatten(1))


def agree_as_cifar(n: int, folder: Path, wrapped: bool = True) -> None:
    reference = randomised(CifarReference(n), seed=n)
    for name, tensor in reference.state_dict().items():
        if name.endswith("bn2.weight"):  # otherwise a thousand layers run out of numbers
            tensor /= n**0.5
    state = {
        "module." * wrapped + name: tensor
        for name, tensor in reference.state_dict().items()
        if not (wrapped and name.endswith("num_batches_tracked"))
    }
    file = folder / "some-name.th"
    torch.save({"state_dict": state, "best_prec1": 91.7} if wrapped else state, file)
    ours, card = load(file)
    assert card.architecture == f"CIFAR ResNet-{6 * n + 2}"
    assert card.labels == tuple(sorted(card.labels))
    assert card.labels[3] == "cat"
    assert card.preprocessing == Preprocessing(
        (32, 32), None, "bicubic", (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    )
    agree_as_classifiers(reference, ours, 32)


@given(n=st.integers(1, 6), wrapped=st.booleans())
@settings(max_examples=3, deadline=None)
def test_a_cifar_resnet_of_any_depth_is_recognised_with_its_wrappers_or_without(
    tmp_path_factory: pytest.TempPathFactory, n: int, wrapped: bool
) -> None:
    agree_as_cifar(n, tmp_path_factory.mktemp("cifar"), wrapped)


@pytest.mark.long
@pytest.mark.parametrize("layers", [110, 1202])
def test_the_deepest_cifar_resnets(tmp_path: Path, layers: int) -> None:
    agree_as_cifar((layers - 2) // 6, tmp_path)


TOKENS = torch.zeros(2, 77, dtype=torch.int64)
TOKENS[:, 0], TOKENS[0, 3], TOKENS[1, 6] = 49406, 49407, 49407


@pytest.mark.long
def test_full_size_hugging_face_vit(tmp_path: Path) -> None:
    config = transformers.ViTConfig(num_labels=1000)
    theirs = randomised(transformers.ViTForImageClassification(config))
    save_as_the_hub(theirs, tmp_path, transformers.ViTImageProcessorPil())
    agree_as_classifiers(theirs, load(tmp_path)[0], 224, batch=1)


@pytest.mark.long
def test_full_size_hugging_face_resnet(tmp_path: Path) -> None:
    config = transformers.ResNetConfig(num_labels=1000)  # ResNet-50
    theirs = randomised(transformers.ResNetForImageClassification(config))
    save_as_the_hub(theirs, tmp_path, transformers.ConvNextImageProcessorPil())
    agree_as_classifiers(theirs, load(tmp_path)[0], 224, batch=1)


@pytest.mark.long
@pytest.mark.parametrize(("patch", "size"), [(32, 224), (16, 224), (32, 256), (14, 224)])
def test_full_size_hugging_face_clip(tmp_path: Path, patch: int, size: int) -> None:
    vision: dict[str, object] = {"patch_size": patch, "image_size": size}
    text: dict[str, object] = {}
    if patch == 14:
        large = {"hidden_size": 1024, "num_hidden_layers": 24, "num_attention_heads": 16}
        vision |= {**large, "intermediate_size": 4096}
        text = {"hidden_size": 768, "num_attention_heads": 12, "intermediate_size": 3072}
    theirs = hf_clip(vision, text)
    processor = transformers.CLIPImageProcessorPil(size={"shortest_edge": size}, crop_size=size)
    save_as_the_hub(theirs, tmp_path, processor, tiny_tokenizer())
    ids = torch.tensor([[49406, 320, 2368, 49407, 49407], [49406, 320, 1929, 530, 49407]])
    agree_as_hf_clip(theirs, load(tmp_path)[0], size, ids)


@pytest.mark.long
@pytest.mark.parametrize("name", ["resnet18", "resnet50", "vit_b_16", "vit_b_32"])
def test_full_size_torchvision(tmp_path: Path, name: str) -> None:
    theirs = torchvision.models.get_model(name)
    if name.startswith("vit"):
        nn.init.normal_(theirs.heads.head.weight, std=0.02)
    torch.save(randomised(theirs).state_dict(), tmp_path / "weights.pth")
    agree_as_classifiers(theirs, load(tmp_path / "weights.pth")[0], 224, batch=1)


@pytest.mark.long
@pytest.mark.parametrize("name", ["vit_base_patch16_224", "vit_small_patch32_224", "resnet50"])
def test_full_size_timm(tmp_path: Path, name: str) -> None:
    theirs = randomised(timm.create_model(name))
    safetensors.torch.save_file(theirs.state_dict(), tmp_path / "model.safetensors")
    agree_as_classifiers(theirs, load(tmp_path / "model.safetensors")[0], 224, batch=1)


@pytest.mark.long
@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("ViT-B-32", 224),
        ("ViT-B-32-quickgelu", 224),
        ("ViT-B-32-256", 256),
        ("RN50-quickgelu", 224),
    ],
)
def test_full_size_open_clip(tmp_path: Path, name: str, size: int) -> None:
    theirs = randomised(open_clip.create_model(name))
    safetensors.torch.save_file(theirs.state_dict(), tmp_path / "open_clip_model.safetensors")
    said = {"model_cfg": open_clip.get_model_config(name), "preprocess_cfg": {}}
    (tmp_path / "open_clip_config.json").write_text(json.dumps(said))
    ours, card = load(tmp_path)
    assert card.preprocessing == replace(OPENAI_PREPROCESSING, resize=size, crop=size)
    agree_as_open_clip(theirs, ours, size, TOKENS)
