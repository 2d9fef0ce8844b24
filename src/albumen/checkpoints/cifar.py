"""CIFAR ResNets by the names of akamaster/pytorch_resnet_cifar10 and its many descendants.

Recognised by their keys: three stages and no fourth, of any depth 6n + 2.
"""

from dataclasses import replace

from albumen.checkpoints import shapes
from albumen.checkpoints.errors import CheckpointError
from albumen.checkpoints.renaming import COUNTER, State, Table
from albumen.models.resnet import ResNetConfig, cifar

RESNET: Table = (
    (COUNTER, None),
    (r"conv1\.(.+)", r"trunk.0.0.0.\1"),
    (r"bn1\.(.+)", r"trunk.0.0.1.\1"),
    *(
        rule
        for stage in range(3)
        for rule in (
            (rf"layer{stage + 1}\.(\d+)\.conv1\.(.+)", rf"trunk.1.{stage}.\1.residual.0.0.\2"),
            (rf"layer{stage + 1}\.(\d+)\.bn1\.(.+)", rf"trunk.1.{stage}.\1.residual.0.1.\2"),
            (rf"layer{stage + 1}\.(\d+)\.conv2\.(.+)", rf"trunk.1.{stage}.\1.residual.2.0.\2"),
            (rf"layer{stage + 1}\.(\d+)\.bn2\.(.+)", rf"trunk.1.{stage}.\1.residual.2.1.\2"),
            (
                rf"layer{stage + 1}\.(\d+)\.(?:shortcut|downsample)\.(.+)",
                rf"trunk.1.{stage}.\1.shortcut.\2",
            ),
        )
    ),
    (r"(?:linear|fc)\.(.+)", r"head.\1"),
)


def is_cifar(state: State) -> bool:
    """ImageNet's ResNets have a fourth stage, and a 7×7 kernel at the start."""
    stem = state.get("conv1.weight")
    return (
        stem is not None
        and tuple(stem.shape[1:]) == (3, 3, 3)
        and "layer3.0.conv1.weight" in state
        and not any(name.startswith("layer4.") for name in state)
    )


def resnet(state: State, where: str) -> ResNetConfig:
    """The config, of any depth 6n + 2 and any width."""
    depths = shapes.depths(state, r"layer(\d+)\.(\d+)\.")
    if len(depths) != 3 or len(set(depths)) != 1:
        raise CheckpointError(f"{where}: a CIFAR ResNet has 3 stages of n blocks, not {depths}")
    head = "linear.weight" if "linear.weight" in state else "fc.weight"
    config = cifar(6 * depths[0] + 2, shapes.axis(state, head, 0, where))
    projected = any(".shortcut.0." in name or ".downsample.0." in name for name in state)
    first = [f"layer{stage}.0.conv1.weight" for stage in (1, 2, 3)]
    return replace(
        config,
        widths=tuple(shapes.axis(state, name, 0, where) for name in first),
        shortcut="projection" if projected else "padding",
    )
