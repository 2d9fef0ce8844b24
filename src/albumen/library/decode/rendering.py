"""All but well-formed JPEG through Pillow: the one decoder that the content asks for, reduced.

Decoders are named one by one and constructed directly, so that no other plugin ever sees the data
(Pillow's EPS plugin, for one, would run a program).
"""

import re
from collections.abc import Callable
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from albumen.library.containers import boxes
from albumen.library.decode.bounds import MAX_PIXELS, check_size
from albumen.library.decode.cost import webp_size
from albumen.library.decode.formats import Format
from albumen.library.decode.orient import orient
from albumen.library.decode.outcome import TRUNCATED, DecodedPixels, DecodeError
from albumen.library.exif import ORIENTATION, orientation_or_upright

if TYPE_CHECKING:
    from PIL.Image import Image


def decode_with_pillow(data: bytes, format: Format, short_side: int) -> DecodedPixels:
    """Decode the first frame or page, reduced to `short_side`, upright, RGB over white."""
    _check_complete(data, format)
    try:
        return _decode(data, format, short_side)
    except DecodeError:
        raise
    except MemoryError:
        raise DecodeError("failed", "decoding it takes more memory than is allowed") from None
    except Exception as error:  # decoders raise what they like on damaged data
        raise DecodeError("failed", _reason(error)) from None


def _decode(data: bytes, format: Format, short_side: int) -> DecodedPixels:
    image = _OPENERS[format](data)
    check_size(*image.size, MAX_PIXELS)
    before = _orientation(image) if format == "TIFF" else 1  # Pillow turns TIFFs on loading
    stated = image.size
    image.draft("RGB", (short_side, short_side))  # reduces a JPEG, and is nothing to others
    image.load()
    after = _orientation(image)
    width, height = stated if format == "JPEG" else image.size
    if after >= 5:
        width, height = height, width
    pixels = orient(_rgb(_reduced(image, short_side)), after)
    return DecodedPixels(format, width, height, pixels, max(before, after))


def _check_complete(data: bytes, format: Format) -> None:
    """Containers that state their own length must not promise more than the file holds."""
    if format == "WEBP":
        if 8 + int.from_bytes(data[4:8], "little") > len(data) + 1:  # the last padding may lack
            raise DecodeError("failed", TRUNCATED)
        size = webp_size(data)
        if size is None:
            raise DecodeError("failed", TRUNCATED)
        check_size(*size, MAX_PIXELS)
    elif format in ("HEIF", "AVIF") and not _boxes_end(data):
        raise DecodeError("failed", TRUNCATED)


def _boxes_end(data: bytes) -> bool:
    """Whether the boxes of an ISO container (HEIF, AVIF) end where the file does, or nearly."""
    end = max((box.end for box in boxes(data, 0, len(data))), default=0)
    return len(data) - end < 8 or not any(data[end : end + 8])


def _orientation(image: "Image") -> int:
    try:
        return orientation_or_upright(image.getexif().get(ORIENTATION))
    except Exception:  # broken EXIF does not make a broken picture
        return 1


def _reduced(image: "Image", short_side: int) -> "Image":
    """The picture in 8 bits, its short side `short_side` unless it is smaller."""
    from PIL import Image

    image = _eight_bits(image)
    scale = short_side / min(image.size)
    if scale >= 1:
        return image
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image.resize(size, Image.Resampling.BICUBIC, reducing_gap=3.0)


def _eight_bits(image: "Image") -> "Image":
    """In a mode of 8 bits that Pillow resizes well: L, RGB, CMYK, or RGBA if anything is clear."""
    if image.mode.startswith(("I", "F")):
        return _scaled(image)
    if image.mode in ("L", "RGB", "CMYK") and not image.has_transparency_data:
        return image
    return image.convert("RGBA" if image.has_transparency_data else "RGB")


def _scaled(image: "Image") -> "Image":
    """Samples of 16 or 32 bits, or real numbers, scaled (never clipped) to 8 bits."""
    from PIL import Image

    values = np.nan_to_num(np.asarray(image, dtype=np.float32))
    low, high = float(values.min()), float(values.max())
    if image.mode == "F":
        low, high = (0.0, 1.0) if low >= 0 and high <= 1 else (low, high)
    elif low >= 0 and high <= 65535:
        low, high = 0.0, 65535.0
    scaled = (values - low) * (255 / (high - low or 1))
    return Image.fromarray(np.rint(scaled).astype(np.uint8))


def _rgb(image: "Image") -> NDArray[np.uint8]:
    """Pixels as uint8 (H, W, 3); what is clear becomes white, like paper."""
    from PIL import Image

    if image.mode == "RGBA":
        paper = Image.new("RGBA", image.size, (255, 255, 255, 255))
        image = Image.alpha_composite(paper, image)
    return np.array(image.convert("RGB"))


def _reason(error: Exception) -> str:
    """What went wrong, in words; those of the decoder only where they are made for people."""
    words = str(error).strip().rstrip(".")
    if isinstance(error, EOFError) or re.search(
        "truncated|premature|end of (file|data)", words, re.I
    ):
        return TRUNCATED
    if "bomb" in words:
        return "it asks for more pixels than are decoded"
    if re.search("unsupported|not supported|unknown pixel mode", words, re.I):
        return f"it is of a rare kind that is not read ({words})"
    told = re.search("[a-z]{4}", words) and "decoder error" not in words
    if isinstance(error, OSError | SyntaxError) and told:
        return f"its picture data are damaged ({words})"
    return "its picture data are damaged"


def _jpeg(data: bytes) -> "Image":
    from PIL.JpegImagePlugin import JpegImageFile

    return JpegImageFile(BytesIO(data))


def _png(data: bytes) -> "Image":
    from PIL.PngImagePlugin import PngImageFile

    return PngImageFile(BytesIO(data))


def _webp(data: bytes) -> "Image":
    from PIL.WebPImagePlugin import WebPImageFile

    return WebPImageFile(BytesIO(data))


def _gif(data: bytes) -> "Image":
    from PIL.GifImagePlugin import GifImageFile

    return GifImageFile(BytesIO(data))


def _bmp(data: bytes) -> "Image":
    from PIL.BmpImagePlugin import BmpImageFile

    return BmpImageFile(BytesIO(data))


def _tiff(data: bytes) -> "Image":
    from PIL.TiffImagePlugin import TiffImageFile

    return TiffImageFile(BytesIO(data))


def _avif(data: bytes) -> "Image":
    from PIL import AvifImagePlugin

    AvifImagePlugin.DEFAULT_MAX_THREADS = 1  # there is a worker for each core
    return AvifImagePlugin.AvifImageFile(BytesIO(data))


def _heif(data: bytes) -> "Image":
    from pi_heif import options
    from pi_heif.as_plugin import HeifImageFile

    options.DECODE_THREADS = 1
    options.THUMBNAILS = options.DEPTH_IMAGES = options.AUX_IMAGES = False
    image: Image = HeifImageFile(BytesIO(data))
    return image


_OPENERS: dict[Format, Callable[[bytes], "Image"]] = {
    "JPEG": _jpeg,
    "PNG": _png,
    "WEBP": _webp,
    "GIF": _gif,
    "BMP": _bmp,
    "TIFF": _tiff,
    "AVIF": _avif,
    "HEIF": _heif,
}
