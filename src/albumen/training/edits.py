"""What happens to pictures on their way through phones and messengers, a batch at a time.

A fingerprint is trained to agree on a picture and its edits. Geometry (crop, stretch, quarter and
small turns, mirroring, padding) is one affine map a picture; colour is one 3×3 matrix, an offset
and a gamma; then come pieces of other pictures, captions and emoji, lost resolution, blur, noise
and JPEG. How likely and how strong each is, `Edits` says.
Shapes: B pictures of S × S pixels, values 0 to 255.
"""

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt
import simplejpeg
import torch
import torch.nn.functional as F
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from albumen.training.pictures import column

Pictures = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Edits:
    """Chances (0 to 1) and strengths. `crop`: the smallest part of the area that a crop keeps."""

    crop: float = 0.25
    cropped: float = 0.7
    stretch: float = 1.33
    padded: float = 0.15
    quarter_turned: float = 0.5
    turned: float = 0.3
    degrees: float = 20.0
    recoloured: float = 0.7
    grey: float = 0.15
    pasted: float = 0.12
    captioned: float = 0.3
    coarse: float = 0.25
    blurred: float = 0.2
    noisy: float = 0.15
    jpeg: float = 0.35


STRONG = Edits()
"""What a view goes through that must still be known for a copy."""

MILD = Edits(
    crop=0.6,
    cropped=0.3,
    stretch=1.1,
    padded=0.0,
    quarter_turned=0.0,
    turned=0.05,
    degrees=5.0,
    recoloured=0.3,
    grey=0.03,
    pasted=0.0,
    captioned=0.05,
    coarse=0.1,
    blurred=0.05,
    noisy=0.05,
    jpeg=0.2,
)
"""What the other view goes through: mostly the picture as it is, as originals are."""

OVERLAYS, OVERLAY_SIDE = 512, 128


def edited(pictures: Pictures, size: int, edits: Edits, random: np.random.Generator) -> Tensor:
    """uint8 (B, S, S, 3) -> float32 (B, 3, size, size) in 0..255, each edited in its own way."""
    x = torch.from_numpy(pictures).permute(0, 3, 1, 2).float()  # its memory stays channels-last
    x = moved(x, size, edits, random)
    x = recoloured(x, edits, random)
    x = pasted(x, edits, random)
    x = captioned(x, edits, random)
    x = degraded(x, edits, random)
    return x.clamp_(0, 255)


def chosen(count: int, chance: float, random: np.random.Generator) -> npt.NDArray[np.bool_]:
    """Which of `count` pictures something happens to."""
    return random.random(count) < chance


def moved(x: Tensor, size: int, edits: Edits, random: np.random.Generator) -> Tensor:
    """Crop, stretch, turn, mirror, pad. (B, 3, S, S) -> (B, 3, size, size)

    What lies outside is one colour, or a part of another picture (a screenshot's surroundings).
    """
    count = len(x)
    grid = F.affine_grid(affine_maps(count, edits, random), [count, 3, size, size], False)
    seen = F.grid_sample(x, grid, mode="bilinear", padding_mode="border", align_corners=False)
    outside = (grid.abs() > 1).any(-1)[:, None]
    if not outside.any():
        return seen
    colour = random.choice([0, 255, 128], (count, 1)) + 0.0 * np.zeros((count, 3))
    any_colour = chosen(count, 0.4, random)
    colour[any_colour] = random.uniform(0, 255, (any_colour.sum(), 3))
    fill = torch.from_numpy(colour.astype(np.float32))[:, :, None, None].expand_as(seen)
    others = torch.from_numpy(chosen(count, 0.2, random)).view(-1, 1, 1, 1)
    fill = torch.where(others, seen.roll(1, 0), fill)
    return torch.where(outside, fill, seen)


def affine_maps(count: int, edits: Edits, random: np.random.Generator) -> Tensor:
    """(B, 2, 3): where each place of the edited picture, -1 to 1, comes from in the picture."""
    area = np.where(
        chosen(count, edits.cropped, random), random.uniform(edits.crop, 1.0, count), 1.0
    )
    most = math.log(edits.stretch)
    stretch = np.exp(random.uniform(-most, most, count))
    scale = np.stack([np.sqrt(area * stretch), np.sqrt(area / stretch)], 1).clip(max=1.0)
    room = 1 - scale
    centre = random.uniform(-1, 1, (count, 2)) * room
    padded = chosen(count, edits.padded, random)
    wider = np.exp(random.uniform(0.05, 0.6, (count, 2)))
    scale[padded] *= wider[padded]
    centre[padded] += (random.uniform(-0.8, 0.8, (count, 2)) * (wider - 1))[padded]

    turned = chosen(count, edits.turned, random)
    angle = np.where(turned, random.uniform(-1, 1, count) * np.radians(edits.degrees), 0.0)
    quarters = np.where(
        chosen(count, edits.quarter_turned, random), random.integers(0, 4, count), 0
    )
    mirror = np.where(random.random(count) < edits.quarter_turned / 2, -1.0, 1.0)
    cos, sin = np.cos(angle), np.sin(angle)
    whole = np.stack([[np.cos(q * np.pi / 2).round(), np.sin(q * np.pi / 2).round()]
                      for q in quarters])  # fmt: skip
    maps = np.zeros((count, 2, 3))
    for i in range(count):
        small = np.array([[cos[i], -sin[i]], [sin[i], cos[i]]])
        quarter = np.array([[whole[i, 0], -whole[i, 1]], [whole[i, 1], whole[i, 0]]])
        linear = np.diag(scale[i]) @ small @ quarter @ np.diag([mirror[i], 1.0])
        maps[i, :, :2], maps[i, :, 2] = linear, centre[i]
    return torch.from_numpy(maps.astype(np.float32))


def recoloured(x: Tensor, edits: Edits, random: np.random.Generator) -> Tensor:
    """Brightness, contrast, saturation, tint and gamma; some become grey, a few negatives."""
    count = len(x)
    on = chosen(count, edits.recoloured, random)

    def change(most: float) -> npt.NDArray[np.float64]:
        return np.where(on, 1 + random.uniform(-most, most, count), 1.0)

    saturation = np.where(chosen(count, edits.grey, random), 0.0, change(0.7))
    weights = np.array([0.299, 0.587, 0.114])
    matrix = saturation[:, None, None] * np.eye(3) + (1 - saturation)[:, None, None] * weights
    tint = np.stack([change(0.25) for _ in range(3)], 1)
    gain = (change(0.4) * np.where(on & chosen(count, 0.02, random), -1, 1))[:, None] * tint
    matrix = gain[:, :, None] * matrix
    level = x.mean((2, 3)).numpy()
    offset = level * change(0.3)[:, None] - (matrix @ level[:, :, None])[:, :, 0]
    rows = torch.from_numpy(matrix.astype(np.float32))
    flat = x.permute(0, 2, 3, 1).reshape(count, -1, 3)
    mixed = torch.baddbmm(
        torch.from_numpy(offset.astype(np.float32))[:, None], flat, rows.transpose(1, 2)
    )
    x = mixed.view(count, *x.shape[2:], 3).permute(0, 3, 1, 2).clamp(0, 255)
    bent = np.flatnonzero(on & chosen(count, 0.4, random))
    if len(bent):
        gamma = column(np.exp(random.uniform(-0.6, 0.6, len(bent))))
        x[bent] = (x[bent] / 255).pow(gamma) * 255
    return x


def pasted(x: Tensor, edits: Edits, random: np.random.Generator) -> Tensor:
    """A piece of another picture over up to two fifths of some: collages, stickers."""
    side = x.shape[-1]
    for i in np.flatnonzero(chosen(len(x), edits.pasted, random)):
        height, width = (int(n) for n in side * random.uniform(0.2, 0.63, 2))
        top, left = (int(random.integers(0, side - n + 1)) for n in (height, width))
        other = x[int(random.integers(len(x)))]
        x[i, :, top : top + height, left : left + width] = other[:, :height, :width]
    return x


def captioned(x: Tensor, edits: Edits, random: np.random.Generator) -> Tensor:
    """Words, bars, discs and faces laid over some, more or less opaque."""
    rows = np.flatnonzero(chosen(len(x), edits.captioned, random))
    if not len(rows):
        return x
    layers = overlays()[random.integers(0, OVERLAYS, len(rows))]
    over = torch.from_numpy(layers).permute(0, 3, 1, 2).float()
    over = F.interpolate(over, x.shape[-2:], mode="bilinear", antialias=True)
    alpha = over[:, 3:] / 255 * column(random.uniform(0.4, 1.0, len(rows)))
    x[rows] = x[rows] * (1 - alpha) + over[:, :3] * alpha
    return x


@cache
def overlays() -> Pictures:
    """(OVERLAYS, side, side, 4) uint8, drawn once: colour and opacity."""
    random = np.random.default_rng(7)
    return np.stack([np.asarray(overlay(random)) for _ in range(OVERLAYS)])


def overlay(random: np.random.Generator) -> Image.Image:
    """One transparent picture with a caption, a watermark, or a few stickers."""
    side = OVERLAY_SIDE
    layer = Image.new("RGBA", (side, side))
    draw = ImageDraw.Draw(layer)

    def colour() -> tuple[int, ...]:
        plain = random.choice([0, 255]) if random.random() < 0.6 else None
        values = [plain] * 3 if plain is not None else random.integers(0, 256, 3)
        return (*(int(v) for v in values), 255)

    def words() -> str:
        letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!?.,:"
        drawn = ["".join(random.choice(list(letters), random.integers(1, 9)))
                 for _ in range(random.integers(1, 6))]  # fmt: skip
        return ("\n" if random.random() < 0.3 else " ").join(drawn)

    kind = random.random()
    if kind < 0.3:  # a caption in a bar, above or below
        height = int(random.integers(10, 36))
        top = 0 if random.random() < 0.5 else side - height
        draw.rectangle((0, top, side, top + height), fill=colour())
        draw.text((3, top + 1), words(), fill=colour(), font=font(max(8, height - 8)))
    elif kind < 0.7:  # words anywhere, at times again and again
        text, size = words(), int(random.integers(8, 44))
        for _ in range(1 if random.random() < 0.6 else int(random.integers(3, 12))):
            x, y = (int(n) for n in random.integers(-10, side - 20, 2))
            draw.text((x, y), text, fill=colour(), font=font(size), stroke_width=size // 16)
    else:
        for _ in range(int(random.integers(1, 4))):
            face(draw, random, colour())
    turn = float(random.uniform(-40, 40)) if random.random() < 0.3 else 0.0
    return layer.rotate(turn, Image.Resampling.BILINEAR) if turn else layer


def face(draw: ImageDraw.ImageDraw, random: np.random.Generator, fill: tuple[int, ...]) -> None:
    """An emoji: a disc, and mostly eyes and a mouth."""
    radius = float(random.uniform(6, 30))
    x, y = (float(n) for n in random.uniform(0, OVERLAY_SIDE, 2))
    draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=fill)
    if random.random() < 0.7:
        dark, eye = (40, 30, 20, 255), radius / 6
        for side in (-1, 1):
            cx, cy = x + side * radius / 3, y - radius / 4
            draw.ellipse((cx - eye, cy - eye, cx + eye, cy + eye), fill=dark)
        mouth = (x - radius / 2, y - radius / 3, x + radius / 2, y + radius * 0.6)
        draw.arc(mouth, 20, 160, fill=dark, width=max(1, int(radius / 8)))


@cache
def font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Pillow's own font, of that height."""
    return ImageFont.load_default(size)


def degraded(x: Tensor, edits: Edits, random: np.random.Generator) -> Tensor:
    """Lost resolution, blur, noise, JPEG: each of some."""
    count, side = len(x), x.shape[-1]
    coarse = chosen(count, edits.coarse, random)
    steps = random.choice([2, 3, 4], count)
    for step in (2, 3, 4):
        if len(rows := np.flatnonzero(coarse & (steps == step))):
            small = F.interpolate(x[rows], side // step, mode="bilinear", antialias=True)
            x[rows] = F.interpolate(small, side, mode="bicubic", align_corners=False)
    if len(rows := np.flatnonzero(chosen(count, edits.blurred, random))):
        x[rows] = blurred(x[rows], float(random.uniform(0.5, 2.5)))
    if len(rows := np.flatnonzero(chosen(count, edits.noisy, random))):
        seed = torch.Generator().manual_seed(int(random.integers(2**31)))
        noise = torch.randn(x[rows].shape, generator=seed)
        x[rows] += noise * column(random.uniform(3, 25, len(rows)))
    for i in np.flatnonzero(chosen(count, edits.jpeg, random)):
        x[i] = recompressed(x[i], int(random.integers(10, 75)))
    return x


def blurred(x: Tensor, sigma: float) -> Tensor:
    """A Gaussian blur of that many pixels."""
    reach = math.ceil(2.5 * sigma)
    taps = torch.exp(-0.5 * (torch.arange(-reach, reach + 1) / sigma) ** 2)
    taps = (taps / taps.sum()).expand(3, 1, 1, -1).contiguous()
    x = F.conv2d(F.pad(x, (reach, reach, 0, 0), "reflect"), taps, groups=3)
    return F.conv2d(F.pad(x, (0, 0, reach, reach), "reflect"), taps.transpose(2, 3), groups=3)


def recompressed(picture: Tensor, quality: int) -> Tensor:
    """(3, S, S) through JPEG and back."""
    pixels = picture.clamp(0, 255).byte().permute(1, 2, 0).contiguous().numpy()
    data = simplejpeg.encode_jpeg(pixels, quality, colorspace="RGB", colorsubsampling="420")
    back = simplejpeg.decode_jpeg(data, colorspace="RGB")
    return torch.from_numpy(back).permute(2, 0, 1).float()
