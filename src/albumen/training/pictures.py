"""Training pictures: rows of one uint8 array, cropped, mirrored, lit a little differently."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

Three = tuple[float, float, float]

MEAN: Three = (0.485, 0.456, 0.406)
STD: Three = (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class Augmentation:
    """Square crops of a side drawn from `crops` for the whole batch, resized to `size`.

    Around each picture `padding` pixels of black are part of what is cropped from. `brightness` and
    `contrast` are the largest relative change of each. What comes out has mean 0 and deviation 1
    where the pictures' channels have `mean` and `std`.
    """

    size: int = 112
    crops: tuple[int, ...] = (128, 112, 112, 96)
    brightness: float = 0.25
    contrast: float = 0.25
    padding: int = 0
    mean: Three = MEAN
    std: Three = STD


def normalised(pixels: Tensor, mean: Three = MEAN, std: Three = STD) -> Tensor:
    """pixels: (B, 3, H, W) in 0..255 -> the same with mean 0 and deviation 1, as ImageNet's are."""
    return (pixels / 255 - torch.tensor(mean).view(1, 3, 1, 1)) / torch.tensor(std).view(1, 3, 1, 1)


def augmented(
    pictures: npt.NDArray[np.uint8],
    rows: npt.NDArray[np.int64],
    recipe: Augmentation,
    random: np.random.Generator,
    own: slice = slice(None),
) -> Tensor:
    """The chosen rows of `pictures`, uint8 (N, S, S, 3) -> (B, 3, size, size), normalised.

    Of them only the `own` ones are made, exactly as they would be among all.
    """
    side, edge, count = pictures.shape[1], recipe.padding, len(rows)
    crop = int(random.choice(recipe.crops))
    corners = random.integers(-edge, side + edge - crop + 1, (count, 2))[own]
    mirrored = (random.random(count) < 0.5)[own]
    rows = rows[own]
    batch = np.empty((len(rows), crop, crop, 3), np.uint8)
    for picture, row, (top, left), mirror in zip(batch, rows, corners, mirrored, strict=True):
        picture[:] = (
            _cut(pictures[row], top, left, crop)
            if edge
            else (pictures[row, top : top + crop, left : left + crop])
        )
        if mirror:
            picture[:] = picture[:, ::-1].copy()
    x = torch.from_numpy(batch).permute(0, 3, 1, 2)  # its memory stays channels-last
    if crop != recipe.size:
        x = F.interpolate(x, (recipe.size, recipe.size), mode="bilinear", antialias=True)
    contrast, brightness = (
        column(1 + random.uniform(-most, most, count)[own])
        for most in (recipe.contrast, recipe.brightness)
    )
    return relit(x.float(), recipe, contrast, brightness)


def column(values: npt.NDArray[np.float64]) -> Tensor:
    """(B,) -> (B, 1, 1, 1)"""
    return torch.from_numpy(values.astype(np.float32)).view(-1, 1, 1, 1)


def _cut(picture: npt.NDArray[np.uint8], top: int, left: int, crop: int) -> npt.NDArray[np.uint8]:
    """The square at (top, left), which may reach beyond the picture, where all is black."""
    cut = np.zeros((crop, crop, 3), np.uint8)
    above, before = max(0, -top), max(0, -left)
    inside = picture[top + above : top + crop, left + before : left + crop]
    cut[above : above + inside.shape[0], before : before + inside.shape[1]] = inside
    return cut


def relit(x: Tensor, recipe: Augmentation, contrast: Tensor, brightness: Tensor) -> Tensor:
    """x: (B, 3, H, W) in 0..255 -> normalised; contrast, brightness: (B, 1, 1, 1), 1 for none.

    All of it is one scale and one offset for each picture and channel, so x is passed over once.
    """
    level = x.mean((1, 2, 3), keepdim=True)
    scale, offset = contrast * brightness, level * (1 - contrast) * brightness
    black = normalised(torch.zeros(1, 3, 1, 1), recipe.mean, recipe.std)
    step = 1 / (255 * torch.tensor(recipe.std).view(1, 3, 1, 1))
    return x.mul_(scale * step).add_(offset * step + black)


def whole(
    pictures: npt.NDArray[np.uint8], size: int, mean: Three = MEAN, std: Three = STD
) -> Tensor:
    """Square pictures, uint8 (B, S, S, 3) -> (B, 3, size, size), as packs show them to a tower."""
    x = torch.from_numpy(np.ascontiguousarray(pictures)).permute(0, 3, 1, 2)
    if x.shape[-1] != size:
        x = F.interpolate(x, (size, size), mode="bicubic", antialias=True)
    return normalised(x.float(), mean, std)
