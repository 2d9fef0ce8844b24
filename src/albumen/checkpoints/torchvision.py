"""torchvision's names for ResNet (which timm uses too) and for VisionTransformer."""

from albumen.checkpoints import shapes
from albumen.checkpoints.renaming import COUNTER, State, Table
from albumen.models.resnet import ResNetConfig
from albumen.models.vit import ViTConfig

# Our stages count from 0. Our residual is [ConvNorm, ReLU, ConvNorm, ReLU, ConvNorm].
RESNET: Table = (
    (COUNTER, None),
    (r"conv1\.(.+)", r"trunk.0.0.0.\1"),
    (r"bn1\.(.+)", r"trunk.0.0.1.\1"),
    *(
        rule
        for ours, theirs in enumerate((r"layer1", r"layer2", r"layer3", r"layer4"))
        for rule in (
            (theirs + r"\.(\d+)\.conv1\.(.+)", rf"trunk.1.{ours}.\1.residual.0.0.\2"),
            (theirs + r"\.(\d+)\.bn1\.(.+)", rf"trunk.1.{ours}.\1.residual.0.1.\2"),
            (theirs + r"\.(\d+)\.conv2\.(.+)", rf"trunk.1.{ours}.\1.residual.2.0.\2"),
            (theirs + r"\.(\d+)\.bn2\.(.+)", rf"trunk.1.{ours}.\1.residual.2.1.\2"),
            (theirs + r"\.(\d+)\.conv3\.(.+)", rf"trunk.1.{ours}.\1.residual.4.0.\2"),
            (theirs + r"\.(\d+)\.bn3\.(.+)", rf"trunk.1.{ours}.\1.residual.4.1.\2"),
            (theirs + r"\.(\d+)\.downsample\.(.+)", rf"trunk.1.{ours}.\1.shortcut.\2"),
        )
    ),
    (r"fc\.(.+)", r"head.\1"),
)

_BLOCK = r"encoder\.layers\.encoder_layer_(\d+)\."
VIT: Table = (
    (r"class_token", "trunk.class_token"),
    (r"conv_proj\.(.+)", r"trunk.patches.projection.\1"),
    (r"encoder\.pos_embedding", "trunk.positions"),
    (_BLOCK + r"ln_1\.(.+)", r"trunk.blocks.\1.norm1.\2"),
    (_BLOCK + r"ln_2\.(.+)", r"trunk.blocks.\1.norm2.\2"),
    (_BLOCK + r"self_attention\.in_proj_(.+)", r"trunk.blocks.\1.attention.qkv.\2"),
    (_BLOCK + r"self_attention\.out_proj\.(.+)", r"trunk.blocks.\1.attention.out.\2"),
    (_BLOCK + r"mlp\.(?:0|linear_1)\.(.+)", r"trunk.blocks.\1.mlp.0.\2"),
    (_BLOCK + r"mlp\.(?:3|linear_2)\.(.+)", r"trunk.blocks.\1.mlp.2.\2"),
    (r"encoder\.ln\.(.+)", r"trunk.norm.\1"),
    (r"heads\.head\.(.+)", r"head.\1"),
)


def resnet(state: State, where: str) -> ResNetConfig:
    """The config of a ResNet-18 to -152, of any width and depth."""
    bottleneck = "layer1.0.conv3.weight" in state
    found = shapes.depths(state, r"layer(\d+)\.(\d+)\.")
    first = [f"layer{stage + 1}.0.conv1.weight" for stage in range(len(found))]
    return ResNetConfig(
        depths=found,
        widths=tuple(shapes.axis(state, name, 0, where) for name in first),
        block="bottleneck" if bottleneck else "basic",
        classes=shapes.axis(state, "fc.weight", 0, where),
    )


def vit(state: State, where: str) -> ViTConfig:
    """The config of a VisionTransformer of torchvision."""
    width, patch = (shapes.axis(state, "conv_proj.weight", i, where) for i in (0, 2))
    patches = shapes.axis(state, "encoder.pos_embedding", 1, where) - 1
    return ViTConfig(
        size=patch * shapes.side(patches, where),
        patch=patch,
        width=width,
        layers=shapes.count(state, _BLOCK),
        heads=shapes.heads(width),
        classes=shapes.axis(state, "heads.head.weight", 0, where),
    )
