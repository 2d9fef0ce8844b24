"""Hugging Face's names: ViTForImageClassification, CLIPModel, ResNetForImageClassification.

`config.json` says the architecture, `preprocessor_config.json` how pictures are prepared.
"""

from typing import Any

from albumen.checkpoints.errors import CheckpointError
from albumen.checkpoints.processors import Config, labels, preprocessing
from albumen.checkpoints.renaming import COUNTER, Table
from albumen.models.clip import CLIPConfig, TextConfig
from albumen.models.layers import Activation
from albumen.models.resnet import Bottleneck, ResNetConfig
from albumen.models.vit import ViTConfig

__all__ = ["CLIP", "RESNET", "VIT", "clip", "labels", "preprocessing", "resnet", "vit"]

MOST_LAYERS = 1000

_BLOCK = r"vit\.encoder\.layer\.(\d+)\."
VIT: Table = (
    (r"vit\.embeddings\.cls_token", "trunk.class_token"),
    (r"vit\.embeddings\.position_embeddings", "trunk.positions"),
    (r"vit\.embeddings\.patch_embeddings\.projection\.(.+)", r"trunk.patches.projection.\1"),
    (_BLOCK + r"attention\.attention\.query\.(.+)", r"trunk.blocks.\1.attention.qkv.\2[0]"),
    (_BLOCK + r"attention\.attention\.key\.(.+)", r"trunk.blocks.\1.attention.qkv.\2[1]"),
    (_BLOCK + r"attention\.attention\.value\.(.+)", r"trunk.blocks.\1.attention.qkv.\2[2]"),
    (_BLOCK + r"attention\.output\.dense\.(.+)", r"trunk.blocks.\1.attention.out.\2"),
    (_BLOCK + r"layernorm_before\.(.+)", r"trunk.blocks.\1.norm1.\2"),
    (_BLOCK + r"layernorm_after\.(.+)", r"trunk.blocks.\1.norm2.\2"),
    (_BLOCK + r"intermediate\.dense\.(.+)", r"trunk.blocks.\1.mlp.0.\2"),
    (_BLOCK + r"output\.dense\.(.+)", r"trunk.blocks.\1.mlp.2.\2"),
    (r"vit\.layernorm\.(.+)", r"trunk.norm.\1"),
    (r"vit\.pooler\..+", None),  # of the headless model; the classifier does not use it
    (r"classifier\.(.+)", r"head.\1"),
)

_VISION, _TEXT = r"vision_model\.", r"text_model\."
_LAYER = r"encoder\.layers\.(\d+)\."


def _clip_blocks(tower: str, ours: str) -> Table:
    block = tower + _LAYER
    return (
        (block + r"self_attn\.q_proj\.(.+)", ours + r".blocks.\1.attention.qkv.\2[0]"),
        (block + r"self_attn\.k_proj\.(.+)", ours + r".blocks.\1.attention.qkv.\2[1]"),
        (block + r"self_attn\.v_proj\.(.+)", ours + r".blocks.\1.attention.qkv.\2[2]"),
        (block + r"self_attn\.out_proj\.(.+)", ours + r".blocks.\1.attention.out.\2"),
        (block + r"layer_norm1\.(.+)", ours + r".blocks.\1.norm1.\2"),
        (block + r"layer_norm2\.(.+)", ours + r".blocks.\1.norm2.\2"),
        (block + r"mlp\.fc1\.(.+)", ours + r".blocks.\1.mlp.0.\2"),
        (block + r"mlp\.fc2\.(.+)", ours + r".blocks.\1.mlp.2.\2"),
    )


CLIP: Table = (
    (r"logit_scale", "log_scale"),
    (r".+\.position_ids", None),  # 0, 1, 2, ...: older versions saved it
    (_VISION + r"embeddings\.class_embedding", "image.trunk.class_token"),
    (_VISION + r"embeddings\.patch_embedding\.(.+)", r"image.trunk.patches.projection.\1"),
    (_VISION + r"embeddings\.position_embedding\.weight", "image.trunk.positions"),
    (_VISION + r"pre_layrnorm\.(.+)", r"image.trunk.norm_embedded.\1"),  # spelt so at the source
    *_clip_blocks(_VISION, "image.trunk"),
    (_VISION + r"post_layernorm\.(.+)", r"image.trunk.norm.\1"),
    (r"visual_projection\.weight", "image.projection.weight"),
    (_TEXT + r"embeddings\.token_embedding\.weight", "text.tokens.weight"),
    (_TEXT + r"embeddings\.position_embedding\.weight", "text.positions"),
    *_clip_blocks(_TEXT, "text"),
    (_TEXT + r"final_layer_norm\.(.+)", r"text.norm.\1"),
    (r"text_projection\.weight", "text.projection.weight"),
)

_STEM = r"resnet\.embedder\.embedder\."
_RESIDUAL = r"resnet\.encoder\.stages\.(\d+)\.layers\.(\d+)\.layer\."
_SHORTCUT = r"resnet\.encoder\.stages\.(\d+)\.layers\.(\d+)\.shortcut\."
RESNET: Table = (
    (COUNTER, None),
    (_STEM + r"convolution\.(.+)", r"trunk.0.0.0.\1"),
    (_STEM + r"normalization\.(.+)", r"trunk.0.0.1.\1"),
    # Our residual is [ConvNorm, ReLU, ConvNorm, ReLU, ConvNorm]: layer i stands at 2i.
    (_RESIDUAL + r"0\.convolution\.(.+)", r"trunk.1.\1.\2.residual.0.0.\3"),
    (_RESIDUAL + r"0\.normalization\.(.+)", r"trunk.1.\1.\2.residual.0.1.\3"),
    (_RESIDUAL + r"1\.convolution\.(.+)", r"trunk.1.\1.\2.residual.2.0.\3"),
    (_RESIDUAL + r"1\.normalization\.(.+)", r"trunk.1.\1.\2.residual.2.1.\3"),
    (_RESIDUAL + r"2\.convolution\.(.+)", r"trunk.1.\1.\2.residual.4.0.\3"),
    (_RESIDUAL + r"2\.normalization\.(.+)", r"trunk.1.\1.\2.residual.4.1.\3"),
    (_SHORTCUT + r"convolution\.(.+)", r"trunk.1.\1.\2.shortcut.0.\3"),
    (_SHORTCUT + r"normalization\.(.+)", r"trunk.1.\1.\2.shortcut.1.\3"),
    (r"classifier\.1\.(.+)", r"head.\1"),
)


def vit(config: Config) -> ViTConfig:
    """ViTForImageClassification's config.json."""
    if not config.get("qkv_bias", True):
        raise CheckpointError("config.json: a ViT without biases in its attention is not supported")
    width = int(config["hidden_size"])
    return ViTConfig(
        size=int(config["image_size"]),
        patch=int(config["patch_size"]),
        width=width,
        layers=_layers(config["num_hidden_layers"]),
        heads=int(config["num_attention_heads"]),
        classes=len(labels(config)),
        mlp_ratio=_ratio(config["intermediate_size"], width),
        activation=_activation(config.get("hidden_act", "gelu")),
        norm_eps=float(config.get("layer_norm_eps", 1e-12)),
    )


# What CLIPConfig leaves out of config.json where it is the default, as OpenAI's B/32 has it.
_VISION_DEFAULTS: Config = {
    "hidden_size": 768,
    "intermediate_size": 3072,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "image_size": 224,
    "patch_size": 32,
    "hidden_act": "quick_gelu",
    "layer_norm_eps": 1e-5,
}
_TEXT_DEFAULTS: Config = {
    "vocab_size": 49408,
    "hidden_size": 512,
    "intermediate_size": 2048,
    "num_hidden_layers": 12,
    "num_attention_heads": 8,
    "max_position_embeddings": 77,
    "hidden_act": "quick_gelu",
    "layer_norm_eps": 1e-5,
    "eos_token_id": 49407,
}


def clip(config: Config) -> CLIPConfig:
    """CLIPModel's config.json."""
    vision = {**_VISION_DEFAULTS, **(config.get("vision_config") or {})}
    text = {**_TEXT_DEFAULTS, **(config.get("text_config") or {})}
    image_tower = ViTConfig(
        size=int(vision["image_size"]),
        patch=int(vision["patch_size"]),
        width=int(vision["hidden_size"]),
        layers=_layers(vision["num_hidden_layers"]),
        heads=int(vision["num_attention_heads"]),
        mlp_ratio=_ratio(vision["intermediate_size"], vision["hidden_size"]),
        activation=_activation(vision["hidden_act"]),
        norm_eps=float(vision["layer_norm_eps"]),
        patch_bias=False,
        norm_embedded=True,
    )
    vocabulary, end_id = int(text["vocab_size"]), int(text["eos_token_id"])
    text_tower = TextConfig(
        vocabulary=vocabulary,
        context=int(text["max_position_embeddings"]),
        width=int(text["hidden_size"]),
        layers=_layers(text["num_hidden_layers"]),
        heads=int(text["num_attention_heads"]),
        # The older files say 2, which was wrong: the end is the highest id, as in OpenAI's code.
        end_id=vocabulary - 1 if end_id == 2 else end_id,
        mlp_ratio=_ratio(text["intermediate_size"], text["hidden_size"]),
        activation=_activation(text["hidden_act"]),
        norm_eps=float(text["layer_norm_eps"]),
    )
    return CLIPConfig(int(config.get("projection_dim", 512)), image_tower, text_tower, float("inf"))


def resnet(config: Config) -> ResNetConfig:
    """ResNetForImageClassification's config.json."""
    if config.get("downsample_in_first_stage") or config.get("downsample_in_bottleneck"):
        raise CheckpointError("config.json: a ResNet that strides elsewhere than ours")
    if config.get("hidden_act", "relu") != "relu":
        raise CheckpointError(f"config.json: a ResNet with {config['hidden_act']} instead of ReLU")
    bottleneck = config.get("layer_type", "bottleneck") == "bottleneck"
    expansion = Bottleneck.expansion if bottleneck else 1
    widths = tuple(int(width) // expansion for width in config["hidden_sizes"])
    if widths[0] != int(config["embedding_size"]):
        raise CheckpointError("config.json: a ResNet whose stem is wider or narrower than ours")
    return ResNetConfig(
        depths=tuple(map(_layers, config["depths"])),
        widths=widths,
        block="bottleneck" if bottleneck else "basic",
        classes=len(labels(config)),
    )


def _layers(count: Any) -> int:
    """So many, unless it is more than anybody trains: they are made before weights are compared."""
    if int(count) > MOST_LAYERS:
        raise CheckpointError(f"config.json: {count} layers, where {MOST_LAYERS} are the most")
    return int(count)


def _ratio(hidden: Any, width: Any) -> int:
    ratio, rest = divmod(int(hidden), int(width))
    if rest:
        raise CheckpointError(f"config.json: an MLP of {hidden} in a width of {width}")
    return ratio


def _activation(name: Any) -> Activation:
    if name == "gelu":
        return "gelu"
    if name == "quick_gelu":
        return "quick_gelu"
    raise CheckpointError(f"config.json: the activation {name}, where gelu or quick_gelu are known")
