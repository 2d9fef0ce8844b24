"""What `packs pull` can fetch: the catalogue's checkpoints that lie on the hub."""

from dataclasses import dataclass

from albumen.checkpoints import catalogue

READY = {
    "openai/clip-vit-base-patch32": "Xenova/clip-vit-base-patch32",
    "openai/clip-vit-base-patch16": "Xenova/clip-vit-base-patch16",
    "openai/clip-vit-large-patch14": "Xenova/clip-vit-large-patch14",
    "google/vit-base-patch16-224": "Xenova/vit-base-patch16-224",
    "microsoft/resnet-50": "Xenova/resnet-50",
}
"""The same weights as ready ONNX models, for those who have no PyTorch."""

TO_BEGIN_WITH = "openai/clip-vit-base-patch32"
"""The quickest CLIP of full size, and one that needs no PyTorch."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A published model. `published`: what was measured, to a share from 0 to 1, by its authors."""

    name: str
    kind: str
    architecture: str
    licence: str
    published: dict[str, float]
    needs_pytorch: bool


def offers() -> list[Offer]:
    """Every model that `packs pull` takes, in the catalogue's order."""
    return [
        Offer(
            entry.name,
            "classifier" if entry.labels else "clip",
            entry.architecture,
            entry.licence,
            {score.task: score.value for score in entry.published},
            needs_pytorch=entry.name not in READY,
        )
        for entry in catalogue.ENTRIES
        if "/" in entry.name
    ]
