"""Our models give what the sources' own models give, from the sources' own files.

References are built by the sources' packages with random weights, saved as those packages save
them, loaded by us and compared: in float64 to 1e-9, in float32 to 1e-5 of the largest magnitude.
"""

import copy
from collections.abc import Callable
from pathlib import Path

import open_clip
import pytest
import safetensors.torch
import timm
import torch
import torchvision
import transformers
from torch import Tensor, nn

from albumen.checkpoints import load

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
    theirs.save_pretrained(tmp_path)
    transformers.ViTImageProcessorPil(size={"height": 32, "width": 32}).save_pretrained(tmp_path)
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
    theirs.save_pretrained(tmp_path)
    ours, _ = load(tmp_path)
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
    theirs.save_pretrained(tmp_path)
    agree_as_classifiers(theirs, load(tmp_path)[0], 64)


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
    theirs = timm.models.ResNet(timm.models.resnet.Bottleneck, (1, 1, 2, 1), num_classes=7)
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


def test_cifar_resnet_is_recognised_at_any_depth_with_its_wrappers(tmp_path: Path) -> None:
    """The names of akamaster's files: DataParallel's `module.`, in a `state_dict`, no counters."""
    from albumen.models.resnet import ResNet, cifar

    for layers in (8, 20, 26):
        reference = randomised(ResNet(cifar(layers)), seed=layers)
        state = {
            "module." + cifar_name(name): tensor
            for name, tensor in reference.state_dict().items()
            if not name.endswith("num_batches_tracked")
        }
        file = tmp_path / f"resnet{layers}.th"
        torch.save({"state_dict": state, "best_prec1": 91.7}, file)
        ours, card = load(file)
        assert card.architecture == f"CIFAR ResNet-{layers}"
        assert card.labels[3] == "cat"
        agree_as_classifiers(copy.deepcopy(reference), ours, 32)


def cifar_name(ours: str) -> str:
    """Written out by hand from the source's class, not from our table."""
    parts = ours.split(".")
    if parts[:2] == ["trunk", "0"]:
        return f"{'conv1' if parts[3] == '0' else 'bn1'}.{parts[4]}"
    if parts[0] == "head":
        return f"linear.{parts[1]}"
    stage, block, layer = int(parts[2]) + 1, parts[3], int(parts[5]) // 2 + 1
    return f"layer{stage}.{block}.{'conv' if parts[6] == '0' else 'bn'}{layer}.{parts[7]}"


@pytest.mark.long
def test_full_size_hugging_face_models(tmp_path: Path) -> None:
    vit = randomised(transformers.ViTForImageClassification(transformers.ViTConfig()))
    vit.save_pretrained(tmp_path / "vit")
    agree_as_classifiers(vit, load(tmp_path / "vit")[0], 224, batch=1)
    resnet = transformers.ResNetForImageClassification(transformers.ResNetConfig())
    randomised(resnet).save_pretrained(tmp_path / "resnet")
    agree_as_classifiers(resnet, load(tmp_path / "resnet")[0], 224, batch=1)


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
    theirs.save_pretrained(tmp_path)
    ids = torch.tensor([[49406, 320, 2368, 49407, 49407], [49406, 320, 1929, 530, 49407]])
    agree_as_hf_clip(theirs, load(tmp_path)[0], size, ids)


@pytest.mark.long
def test_full_size_clip_with_a_modified_resnet(tmp_path: Path) -> None:
    theirs = randomised(open_clip.create_model("RN50"))
    safetensors.torch.save_file(theirs.state_dict(), tmp_path / "clip.safetensors")
    ours, _ = load(tmp_path / "clip.safetensors", activation="quick_gelu")
    ids = torch.zeros(2, 77, dtype=torch.int64)
    ids[:, 0], ids[0, 3], ids[1, 6] = 49406, 49407, 49407
    agree_as_open_clip(theirs, ours, 224, ids)
