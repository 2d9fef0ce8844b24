"""From an upright picture to the tower's input: pure functions, the same as the published ones.

Sizes, rounding and the order of steps are those of Hugging Face's CLIPImageProcessor and
ViTImageProcessor with Pillow; so is the resampling, which is Pillow's own.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from albumen.packs.manifest import PreprocessingRecord

Pixels = NDArray[np.uint8]

STRIP = 8
"""So many times as long as the crop, a resized picture is a strip: only its middle is resized."""


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """The steps of one pack."""

    record: PreprocessingRecord

    @property
    def short_side(self) -> int:
        """The shortest side, in pixels, that a decoder has to deliver for `apply`."""
        return (
            self.record.resize if isinstance(self.record.resize, int) else max(self.record.resize)
        )

    def apply(self, pixels: Pixels) -> Pixels:
        """Resize and crop. pixels: uint8 (H, W, 3) -> uint8 (S, S, 3)"""
        resize, crop = self.record.resize, self.record.crop
        height, width = pixels.shape[:2]
        size = _by_short_side(height, width, resize) if isinstance(resize, int) else resize
        if size != (height, width):
            from PIL import Image  # a search in words needs no picture, and starts sooner

            picture = Image.fromarray(pixels)
            resampling = Image.Resampling[self.record.interpolation.upper()]
            size, box = _middle(size, (height, width), crop) if crop else (size, None)
            pixels = np.asarray(picture.resize((size[1], size[0]), resampling, box))
        return pixels if crop is None else centre_crop(pixels, crop)

    def normalise(self, batch: Pixels) -> NDArray[np.float32]:
        """batch: uint8 (B, S, S, 3) -> float32 (B, 3, S, S), each channel by its mean and std."""
        mean, std = (
            np.asarray(self.record.mean, np.float32),
            np.asarray(self.record.std, np.float32),
        )
        scale, shift = 1 / (255 * std), mean / std
        count, height, width, channels = batch.shape
        scaled = np.empty((count, channels, height, width), np.float32)
        for channel in range(channels):  # five times as fast as turning the axes afterwards
            np.multiply(batch[..., channel], scale[channel], out=scaled[:, channel])
        scaled -= shift[:, np.newaxis, np.newaxis]
        return scaled


def centre_crop(pixels: Pixels, side: int) -> Pixels:
    """The centre square; what a smaller picture lacks is black. (H, W, 3) -> (side, side, 3)"""
    height, width = pixels.shape[:2]
    if min(height, width) < side:
        # Padding is rounded up, as the published processors do it.
        above, left = (max(0, -((length - side) // 2)) for length in (height, width))
        below, right = max(0, side - height - above), max(0, side - width - left)
        pixels = np.pad(pixels, ((above, below), (left, right), (0, 0)))
        height, width = pixels.shape[:2]
    top, left = (height - side) // 2, (width - side) // 2
    return pixels[top : top + side, left : left + side]


def _middle(
    size: tuple[int, int], source: tuple[int, int], crop: int
) -> tuple[tuple[int, int], tuple[float, float, float, float] | None]:
    """Of a strip, only the part that the crop will take: its size, and its box in the source.

    Resized whole, a row of 65,535 pixels would become a picture of gigabytes.
    """
    if max(size) <= STRIP * crop:
        return size, None
    (height, width), (high, wide) = source, size
    if wide > high:
        left = (wide - crop) // 2
        return (high, crop), (left * width / wide, 0, (left + crop) * width / wide, height)
    top = (high - crop) // 2
    return (crop, wide), (0, top * height / high, width, (top + crop) * height / high)


def _by_short_side(height: int, width: int, side: int) -> tuple[int, int]:
    long = int(side * max(height, width) / min(height, width))
    return (side, long) if height <= width else (long, side)
