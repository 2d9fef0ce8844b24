"""`albumen models`: what the networks are made of, layer by layer."""

import math
from typing import TYPE_CHECKING, Any

import click

from albumen.cli.command import Command, Group, Session
from albumen.cli.words import print_json
from albumen.errors import AlbumenError, UsageError

if TYPE_CHECKING:
    from torch import nn

    from albumen.models.describe import LayerReport
    from albumen.models.variants import Variant


@click.group(
    "models",
    cls=Group,
    examples="""
        albumen models list
        albumen models describe convnet
    """,
)
def models() -> None:
    """Describe the networks, layer by layer.

    The four families of docs/models.md, in their published sizes. This needs PyTorch.
    """


@models.command(
    "list",
    cls=Command,
    examples="""
        albumen models list
        albumen models list --json
    """,
)
@click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")
@click.pass_obj
def list_models(session: Session, as_json: bool) -> None:
    """List the networks with their sizes.

    Parameters, multiply-adds for one input, and the side of the picture. Others are known by name
    too: cifar-resnetN of any depth N = 6n + 2, and the twin of each ResNet without shortcuts, such
    as plain-resnet34.
    """
    _require_torch()
    from albumen.models import variants

    told = [_sums(variants.find(name)) for name in variants.NAMES]
    if as_json:
        print_json(told, indent=1)
        return
    click.echo(f"{'name':<15}{'parameters':>14}{'multiply-adds':>18}{'picture':>10}")
    for one in told:
        counts = f"{one['parameters']:>14,}{one['multiply_adds']:>18,}"
        click.echo(f"{one['name']:<15}{counts}{one['side']:>7} px")


@models.command(
    "describe",
    cls=Command,
    examples="""
        albumen models describe convnet
        albumen models describe resnet-50
        albumen models describe plain-resnet34
        albumen models describe resnet-56 --json
        albumen models describe vit-b/16
        albumen models describe starter
    """,
)
@click.argument("name", metavar="NAME")
@click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")
@click.pass_obj
def describe(session: Session, name: str, as_json: bool) -> None:
    """Describe a network, layer by layer.

    For each layer its weights, its work, its output, and the part of the picture that it sees.
    Beside each layer with weights stands the fully connected layer of the same input and output:
    its weights + its biases. Nothing is computed with pictures, so that the largest takes a moment.
    """
    _require_torch()
    from albumen.models import variants
    from albumen.models.describe import table

    try:
        variant = variants.find(name)
    except ValueError as error:
        raise UsageError(str(error)) from None
    model, layers = _layers(variant)
    if as_json:
        print_json(_sums(variant) | {"layers": [_as_dict(layer) for layer in layers]}, indent=1)
        return
    click.echo(table(layers))
    total = _parameters(model)
    outside = total - sum(layer.parameters for layer in layers)
    more = f", {outside:,} of them outside layers (positions, tokens, temperature)"
    click.echo(f"{variant.name} has {total:,} parameters{more if outside else ''}")


def _require_torch() -> None:
    try:
        import torch  # noqa: F401
    except ImportError as error:
        raise AlbumenError(
            "describing networks needs PyTorch; run: pip install 'albumen[train]'"
        ) from error


def _layers(variant: "Variant") -> tuple["nn.Module", list["LayerReport"]]:
    """The model, without memory for its weights, and its layers."""
    import torch

    from albumen.models.describe import describe as layers_of

    with torch.device("meta"):
        model = variant.build()
        return model, layers_of(model, *variant.inputs())


def _parameters(model: "nn.Module") -> int:
    return sum(parameter.numel() for parameter in model.parameters())


def _sums(variant: "Variant") -> dict[str, Any]:
    model, layers = _layers(variant)
    return {
        "name": variant.name,
        "side": variant.side,
        "context": variant.context,
        "parameters": _parameters(model),
        "multiply_adds": sum(layer.multiply_adds for layer in layers),
    }


def _as_dict(layer: "LayerReport") -> dict[str, Any]:
    """`receptive_field`: "whole" for the whole picture, null for a layer that sees none of it."""
    field: int | str | None = "whole"
    if not math.isinf(layer.receptive_field):
        field = round(layer.receptive_field) or None
    dense = layer.dense and {"weights": layer.dense.weights, "biases": layer.dense.outputs}
    return {
        "name": layer.name,
        "kind": layer.kind,
        "parameters": layer.parameters,
        "multiply_adds": layer.multiply_adds,
        "shape": list(layer.shape),
        "receptive_field": field,
        "dense": dense,
    }
