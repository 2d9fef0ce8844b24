"""Folders laid out as the hub's: which file says what."""

import json
from pathlib import Path

import open_clip
import pytest
import safetensors.torch
import timm
import torch
import transformers

from albumen.checkpoints import CheckpointError, Preprocessing, load
from albumen.checkpoints.card import CLIP_MEAN, CLIP_STD, IMAGENET_MEAN, IMAGENET_STD
from albumen.checkpoints.huggingface import clip as clip_config
from albumen.checkpoints.huggingface import preprocessing
from albumen.models.clip import CLIP_B16, CLIP_B32, CLIP_L14, CLIPConfig
from albumen.models.resnet import ResNet

TEXT = {"context_length": 12, "vocab_size": 99, "width": 64, "heads": 1, "layers": 1}
VISION = {"image_size": 32, "layers": 1, "width": 64, "patch_size": 8}


@pytest.mark.parametrize("quick", [True, False], ids=["quick_gelu", "gelu"])
def test_open_clips_config_says_activation_and_preprocessing(tmp_path: Path, quick: bool) -> None:
    torch.manual_seed(0)
    theirs = open_clip.CLIP(24, VISION, TEXT, quick_gelu=quick).eval()
    weights = tmp_path / "open_clip_model.safetensors"
    safetensors.torch.save_file(theirs.state_dict(), weights)
    towers = {"embed_dim": 24, "vision_cfg": VISION, "text_cfg": TEXT}
    said = {
        "model_cfg": towers | ({"quick_gelu": True} if quick else {}),
        "preprocess_cfg": {"mean": [0.5, 0.5, 0.5], "std": [0.25, 0.25, 0.25]},
    }
    (tmp_path / "open_clip_config.json").write_text(json.dumps(said))
    ours, card = load(tmp_path)
    assert card.format == "open_clip"
    halves, quarters = (0.5, 0.5, 0.5), (0.25, 0.25, 0.25)
    assert card.preprocessing == Preprocessing(32, 32, "bicubic", halves, quarters)
    pixels = torch.randn(1, 3, 32, 32)
    with torch.inference_mode():
        wanted = theirs.encode_image(pixels, normalize=True)
        torch.testing.assert_close(ours.image(pixels)[0], wanted, rtol=1e-5, atol=1e-6)


def test_timms_config_says_preprocessing(tmp_path: Path) -> None:
    theirs = timm.models.ResNet(timm.models.resnet.BasicBlock, (1, 1, 1, 1), num_classes=3)
    safetensors.torch.save_file(theirs.state_dict(), tmp_path / "model.safetensors")
    said = {
        "architecture": "resnet10",
        "pretrained_cfg": {
            "input_size": [3, 224, 224],
            "interpolation": "bicubic",
            "crop_pct": 0.95,
            "mean": IMAGENET_MEAN,
            "std": IMAGENET_STD,
        },
    }
    (tmp_path / "config.json").write_text(json.dumps(said))
    model, card = load(tmp_path)
    assert isinstance(model, ResNet)
    expected = Preprocessing(235, 224, "bicubic", IMAGENET_MEAN, IMAGENET_STD)
    assert card.preprocessing == expected


def test_hugging_faces_processors_are_read_as_they_work() -> None:
    clip = transformers.CLIPImageProcessorPil().to_dict()
    assert preprocessing(clip) == Preprocessing(224, 224, "bicubic", CLIP_MEAN, CLIP_STD)
    halves = (0.5, 0.5, 0.5)
    vit = Preprocessing((224, 224), None, "bilinear", halves, halves)
    assert preprocessing(transformers.ViTImageProcessorPil().to_dict()) == vit
    older = {"size": 224, "feature_extractor_type": "ViTFeatureExtractor", "resample": 2}
    assert preprocessing({**older, "image_mean": halves, "image_std": halves}) == vit


@pytest.mark.parametrize(
    ("patch", "ours"),
    [(32, CLIP_B32), (16, CLIP_B16), (14, CLIP_L14)],
    ids=["B/32", "B/16", "L/14"],
)
def test_the_named_variants_are_those_of_the_published_configs(
    patch: int, ours: CLIPConfig
) -> None:
    """As openai/clip-vit-* have them, with the end token's id 2 that the older files give."""
    vision: dict[str, object] = {"patch_size": patch}
    text: dict[str, object] = {"eos_token_id": 2}
    said: dict[str, object] = {"vision_config": vision, "text_config": text}
    if patch == 14:
        large = {"hidden_size": 1024, "num_hidden_layers": 24, "num_attention_heads": 16}
        vision |= {**large, "intermediate_size": 4096}
        text |= {"hidden_size": 768, "num_attention_heads": 12, "intermediate_size": 3072}
        said["projection_dim"] = 768
    assert clip_config(said) == ours


@pytest.mark.parametrize(
    "config",
    [
        "[" * 100_000,
        '{"model_type": "vit", "hidden_size": 8, "image_size": 8, "patch_size": 8, '
        '"num_attention_heads": 1, "intermediate_size": 8, "num_hidden_layers": 1000000000}',
        '{"model_type": "clip", "vision_config": [32]}',
        '{"model_type": "clip", "vision_config": {"num_attention_heads": 0}}',
        '{"model_type": "clip", "vision_config": {"hidden_size": 1e30, "intermediate_size": 1e30}}',
        '{"model_type": "resnet", "embedding_size": 1, "hidden_sizes": [], "depths": []}',
        '{"pretrained_cfg": 7}',
    ],
)
def test_a_config_that_means_harm_is_refused(tmp_path: Path, config: str) -> None:
    safetensors.torch.save_file({"x": torch.ones(1)}, tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text(config)
    with pytest.raises(CheckpointError):
        load(tmp_path)


def test_an_unknown_model_type_and_a_missing_setting_are_named(tmp_path: Path) -> None:
    safetensors.torch.save_file({"x": torch.ones(1)}, tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    with pytest.raises(CheckpointError, match="model type bert, where these are known: vit, clip"):
        load(tmp_path)
    (tmp_path / "config.json").write_text('{"model_type": "vit"}')
    with pytest.raises(CheckpointError, match="a setting is missing or wrong: 'hidden_size'"):
        load(tmp_path)
    (tmp_path / "config.json").write_text("not json")
    with pytest.raises(CheckpointError, match=r"config.json cannot be read"):
        load(tmp_path)
    (tmp_path / "model.safetensors").unlink()
    with pytest.raises(CheckpointError, match="holds none of model.safetensors"):
        load(tmp_path)
