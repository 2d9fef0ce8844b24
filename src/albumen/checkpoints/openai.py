"""OpenAI's names for CLIP, which open_clip uses too.

The names do not say which activation the weights were trained with: OpenAI's have QuickGELU, most
of open_clip's GELU. Only OpenAI's released files carry three numbers (`input_resolution`, ...) that
give them away; otherwise open_clip_config.json or the caller has to say it.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from albumen.checkpoints import shapes
from albumen.checkpoints.card import OPENAI_PREPROCESSING, Preprocessing, colours
from albumen.checkpoints.renaming import COUNTER, State, Table
from albumen.models.clip import CLIPConfig, TextConfig
from albumen.models.layers import Activation
from albumen.models.modified_resnet import ModifiedResNetConfig
from albumen.models.vit import ViTConfig

NUMBERS = ("input_resolution", "context_length", "vocab_size")


def _blocks(theirs: str, ours: str) -> Table:
    block = theirs + r"transformer\.resblocks\.(\d+)\."
    return (
        (block + r"ln_1\.(.+)", ours + r".blocks.\1.norm1.\2"),
        (block + r"ln_2\.(.+)", ours + r".blocks.\1.norm2.\2"),
        (block + r"attn\.in_proj_(.+)", ours + r".blocks.\1.attention.qkv.\2"),
        (block + r"attn\.out_proj\.(.+)", ours + r".blocks.\1.attention.out.\2"),
        (block + r"mlp\.c_fc\.(.+)", ours + r".blocks.\1.mlp.0.\2"),
        (block + r"mlp\.c_proj\.(.+)", ours + r".blocks.\1.mlp.2.\2"),
    )


TEXT: Table = (
    (r"token_embedding\.weight", "text.tokens.weight"),
    (r"positional_embedding", "text.positions"),
    *_blocks("", "text"),
    (r"ln_final\.(.+)", r"text.norm.\1"),
    (r"text_projection", "text.projection.weight^T"),
    (r"logit_scale", "log_scale"),
    ("|".join(NUMBERS), None),
)
VIT: Table = (
    *TEXT,
    (r"visual\.class_embedding", "image.trunk.class_token"),
    (r"visual\.positional_embedding", "image.trunk.positions"),
    (r"visual\.conv1\.(.+)", r"image.trunk.patches.projection.\1"),
    (r"visual\.ln_pre\.(.+)", r"image.trunk.norm_embedded.\1"),
    *_blocks(r"visual\.", "image.trunk"),
    (r"visual\.ln_post\.(.+)", r"image.trunk.norm.\1"),
    (r"visual\.proj", "image.projection.weight^T"),
)
# Our stem is [ConvNorm, ReLU] three times; our residual is [ConvNorm, ReLU, ConvNorm, ReLU,
# average, ConvNorm]; our shortcut is [average, ConvNorm].
RESNET: Table = (
    *TEXT,
    (COUNTER, None),
    *(
        rule
        for ours, theirs in ((0, 1), (2, 2), (4, 3))
        for rule in (
            (rf"visual\.conv{theirs}\.(.+)", rf"image.trunk.stem.{ours}.0.\1"),
            (rf"visual\.bn{theirs}\.(.+)", rf"image.trunk.stem.{ours}.1.\1"),
        )
    ),
    *(
        rule
        for stage in range(4)
        for ours, theirs in ((0, 1), (2, 2), (5, 3))
        for rule in (
            (
                rf"visual\.layer{stage + 1}\.(\d+)\.conv{theirs}\.(.+)",
                rf"image.trunk.stages.{stage}.\1.residual.{ours}.0.\2",
            ),
            (
                rf"visual\.layer{stage + 1}\.(\d+)\.bn{theirs}\.(.+)",
                rf"image.trunk.stages.{stage}.\1.residual.{ours}.1.\2",
            ),
            (
                rf"visual\.layer{stage + 1}\.(\d+)\.downsample\.(\d)\.(.+)",
                rf"image.trunk.stages.{stage}.\1.shortcut.1.\2.\3",
            ),
        )
    ),
    (r"visual\.attnpool\.positional_embedding", "image.projection.positions"),
    (r"visual\.attnpool\.q_proj\.(.+)", r"image.projection.qkv.\1[0]"),
    (r"visual\.attnpool\.k_proj\.(.+)", r"image.projection.qkv.\1[1]"),
    (r"visual\.attnpool\.v_proj\.(.+)", r"image.projection.qkv.\1[2]"),
    (r"visual\.attnpool\.c_proj\.(.+)", r"image.projection.out.\1"),
)


def is_clip(state: State) -> bool:
    """Whether the tensors have OpenAI's names for a CLIP, with either image tower."""
    return "visual.proj" in state or "visual.attnpool.c_proj.weight" in state


def has_vit(state: State) -> bool:
    """Whether the image tower is a Vision Transformer; otherwise the modified ResNet."""
    return "visual.class_embedding" in state


def clip(state: State, where: str, activation: Activation) -> CLIPConfig:
    """The config of a CLIP by OpenAI or open_clip, whose activation the tensors do not say."""
    vocabulary, width = (shapes.axis(state, "token_embedding.weight", i, where) for i in (0, 1))
    text = TextConfig(
        vocabulary=vocabulary,
        context=shapes.axis(state, "positional_embedding", 0, where),
        width=width,
        layers=shapes.count(state, r"transformer\.resblocks\.(\d+)\."),
        heads=shapes.heads(width),
        end_id=vocabulary - 1,
        activation=activation,
    )
    image = _vit(state, where, activation) if has_vit(state) else _resnet(state, where)
    dim = shapes.axis(state, "text_projection", 1, where)
    return CLIPConfig(dim, image, text, max_scale=float("inf"))


def _vit(state: State, where: str, activation: Activation) -> ViTConfig:
    width, patch = (shapes.axis(state, "visual.conv1.weight", i, where) for i in (0, 2))
    patches = shapes.axis(state, "visual.positional_embedding", 0, where) - 1
    return ViTConfig(
        size=patch * shapes.side(patches, where),
        patch=patch,
        width=width,
        layers=shapes.count(state, r"visual\.transformer\.resblocks\.(\d+)\."),
        heads=shapes.heads(width),
        activation=activation,
        norm_eps=1e-5,
        patch_bias=False,
        norm_embedded=True,
    )


def _resnet(state: State, where: str) -> ModifiedResNetConfig:
    width = shapes.axis(state, "visual.layer1.0.conv1.weight", 0, where)
    places = shapes.axis(state, "visual.attnpool.positional_embedding", 0, where) - 1
    return ModifiedResNetConfig(
        size=32 * shapes.side(places, where),
        depths=shapes.depths(state, r"visual\.layer(\d+)\.(\d+)\."),
        width=width,
        heads=width * 32 // 64,
    )


def preprocessing(config: CLIPConfig, said: Mapping[str, Any] | None = None) -> Preprocessing:
    """OpenAI's, at the tower's size; with what open_clip_config.json's `preprocess_cfg` changes."""
    assert isinstance(config.image, ViTConfig | ModifiedResNetConfig)
    size = config.image.size
    ours = replace(OPENAI_PREPROCESSING, resize=size, crop=size)
    if not said:
        return ours
    mean, std = (colours(said.get(key) or getattr(ours, key)) for key in ("mean", "std"))
    interpolation = str(said.get("interpolation") or ours.interpolation)
    if said.get("resize_mode") == "squash":
        ours = replace(ours, resize=(size, size), crop=None)
    return replace(ours, mean=mean, std=std, interpolation=interpolation)
