"""The table of edits by which `bench.duplicates` judges: what people and programs do to pictures.

Fixed before anything was tuned on it. Each kind has its grades, from light to strong; a grade is
what the function is given. A picture is a Pillow image; an edit gives the bytes of a file and its
suffix, so that formats and their losses are part of it. What is random (where a crop lies, where a
caption stands) follows from the picture's name alone.
"""

import io
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageFont, ImageOps

Random = np.random.Generator
Edit = Callable[[Image.Image, float, Random], Image.Image]
RESAMPLING = Image.Resampling.LANCZOS


@dataclass(frozen=True)
class Kind:
    """One row of the table. `save`: the format and options of the edited file."""

    name: str
    grades: tuple[float, ...]
    edit: Edit
    save: Callable[[Image.Image, float], tuple[bytes, str]]


def as_jpeg(picture: Image.Image, grade: float, quality: int = 88) -> tuple[bytes, str]:
    file = io.BytesIO()
    picture.convert("RGB").save(file, "JPEG", quality=quality)
    return file.getvalue(), ".jpg"


def as_jpeg_of_quality(picture: Image.Image, grade: float) -> tuple[bytes, str]:
    return as_jpeg(picture, grade, round(grade))


def as_poor_jpeg(picture: Image.Image, grade: float) -> tuple[bytes, str]:
    return as_jpeg(picture, grade, 45)


def as_png(picture: Image.Image, grade: float) -> tuple[bytes, str]:
    file = io.BytesIO()
    picture.convert("RGB").save(file, "PNG")
    return file.getvalue(), ".png"


def as_webp(picture: Image.Image, grade: float) -> tuple[bytes, str]:
    file = io.BytesIO()
    picture.convert("RGB").save(file, "WEBP", quality=round(grade))
    return file.getvalue(), ".webp"


def unchanged(picture: Image.Image, grade: float, random: Random) -> Image.Image:
    return picture


def resized(picture: Image.Image, factor: float, random: Random) -> Image.Image:
    return picture.resize(tuple(max(8, round(n * factor)) for n in picture.size), RESAMPLING)


def pixelated(picture: Image.Image, factor: float, random: Random) -> Image.Image:
    """Down by `factor` and back up: a preview taken for the picture."""
    return resized(picture, factor, random).resize(picture.size, Image.Resampling.BICUBIC)


def cropped_about_the_centre(picture: Image.Image, area: float, random: Random) -> Image.Image:
    return _crop(picture, area, 0.5, 0.5)


def cropped_anywhere(picture: Image.Image, area: float, random: Random) -> Image.Image:
    return _crop(picture, area, random.random(), random.random())


def cropped_to_a_square(picture: Image.Image, grade: float, random: Random) -> Image.Image:
    return ImageOps.fit(picture, (min(picture.size),) * 2, RESAMPLING)


def _crop(picture: Image.Image, area: float, x: float, y: float) -> Image.Image:
    width, height = (round(n * area**0.5) for n in picture.size)
    left, top = round((picture.width - width) * x), round((picture.height - height) * y)
    return picture.crop((left, top, left + width, top + height))


def turned_by_quarters(picture: Image.Image, degrees: float, random: Random) -> Image.Image:
    return picture.rotate(degrees, expand=True)


def turned_and_cropped(picture: Image.Image, degrees: float, random: Random) -> Image.Image:
    """Straightened: turned, then cut so that no corner is empty."""
    sign = 1 if random.random() < 0.5 else -1
    turned = picture.rotate(sign * degrees, Image.Resampling.BICUBIC)
    angle, (width, height) = np.radians(degrees), picture.size
    ratio = width / height
    shrink = 1 / (np.cos(angle) + max(ratio, 1 / ratio) * np.sin(angle))
    return _crop(turned, shrink**2, 0.5, 0.5)


def turned_and_filled(picture: Image.Image, degrees: float, random: Random) -> Image.Image:
    sign = 1 if random.random() < 0.5 else -1
    fill = (0, 0, 0) if random.random() < 0.5 else (255, 255, 255)
    return picture.rotate(sign * degrees, Image.Resampling.BICUBIC, expand=True, fillcolor=fill)


def mirrored(picture: Image.Image, grade: float, random: Random) -> Image.Image:
    return ImageOps.mirror(picture)


def flipped(picture: Image.Image, grade: float, random: Random) -> Image.Image:
    return ImageOps.flip(picture)


def stretched(picture: Image.Image, factor: float, random: Random) -> Image.Image:
    return picture.resize((round(picture.width * factor), picture.height), RESAMPLING)


def slanted(picture: Image.Image, share: float, random: Random) -> Image.Image:
    """A perspective: the corners of one side drawn in by a share of its length, edges kept."""
    width, height = picture.size
    inset = share * height
    corners = (0, 0, 0, height, width, height - inset, width, inset)
    return picture.transform(picture.size, Image.Transform.QUAD, corners, Image.Resampling.BICUBIC)


def lit(picture: Image.Image, factor: float, random: Random) -> Image.Image:
    return ImageEnhance.Brightness(picture).enhance(factor)


def contrasted(picture: Image.Image, factor: float, random: Random) -> Image.Image:
    return ImageEnhance.Contrast(picture).enhance(factor)


def saturated(picture: Image.Image, factor: float, random: Random) -> Image.Image:
    return ImageEnhance.Color(picture).enhance(factor)


def bent(picture: Image.Image, gamma: float, random: Random) -> Image.Image:
    return picture.point([round(255 * (v / 255) ** gamma) for v in range(256)] * 3)


def rehued(picture: Image.Image, degrees: float, random: Random) -> Image.Image:
    hue, saturation, value = picture.convert("HSV").split()
    shifted = hue.point([(v + round(degrees * 256 / 360)) % 256 for v in range(256)])
    return Image.merge("HSV", (shifted, saturation, value)).convert("RGB")


def grey(picture: Image.Image, grade: float, random: Random) -> Image.Image:
    return ImageOps.grayscale(picture).convert("RGB")


def sepia(picture: Image.Image, grade: float, random: Random) -> Image.Image:
    return ImageOps.colorize(ImageOps.grayscale(picture), (30, 15, 0), (255, 240, 200))


def filtered(picture: Image.Image, strength: float, random: Random) -> Image.Image:
    """As "vintage" filters do: faded blacks, a warm tint, darker towards the corners."""
    pixels = np.asarray(picture, np.float32)
    y, x = np.mgrid[-1 : 1 : pixels.shape[0] * 1j, -1 : 1 : pixels.shape[1] * 1j]
    shade = 1 - strength * 0.7 * ((x**2 + y**2) / 2)[..., None]
    tint = 1 + strength * np.array([0.18, 0.02, -0.22])
    faded = 40 * strength + pixels * (1 - 40 * strength / 255)
    return Image.fromarray(np.clip(faded * tint * shade, 0, 255).astype(np.uint8))


def posterised(picture: Image.Image, bits: float, random: Random) -> Image.Image:
    return ImageOps.posterize(picture, round(bits))


def blurred(picture: Image.Image, share: float, random: Random) -> Image.Image:
    return picture.filter(ImageFilter.GaussianBlur(share * min(picture.size)))


def sharpened(picture: Image.Image, percent: float, random: Random) -> Image.Image:
    return picture.filter(ImageFilter.UnsharpMask(2, round(percent)))


def noisy(picture: Image.Image, deviation: float, random: Random) -> Image.Image:
    pixels = np.asarray(picture, np.float32)
    pixels = pixels + random.normal(scale=deviation, size=pixels.shape)
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def watermarked(picture: Image.Image, opacity: float, random: Random) -> Image.Image:
    """Slanted words again and again over the whole picture, as stock agencies do."""
    side = 2 * max(picture.size)
    layer = Image.new("L", (side, side))
    size = max(10, min(picture.size) // 8)
    draw = ImageDraw.Draw(layer)
    for row in range(0, side, 3 * size):
        draw.text(
            (row % (5 * size), row), "SAMPLE PHOTO   " * 12, 255, ImageFont.load_default(size)
        )
    layer = layer.rotate(30)
    left, top = (side - picture.width) // 2, (side - picture.height) // 2
    mask = layer.crop((left, top, left + picture.width, top + picture.height))
    white = Image.new("RGB", picture.size, (255, 255, 255))
    return Image.composite(white, picture, mask.point(lambda v: round(v * opacity)))


def signed(picture: Image.Image, share: float, random: Random) -> Image.Image:
    """A name in a corner, its letters a share of the picture's height."""
    picture = picture.copy()
    size = max(8, round(share * picture.height))
    at = (size // 2, picture.height - 2 * size)
    ImageDraw.Draw(picture).text(
        at, "© A. Bumen 2024", (255, 255, 255), ImageFont.load_default(size)
    )
    return picture


def captioned(picture: Image.Image, share: float, random: Random) -> Image.Image:
    """A white bar with words below the picture, its height a share of the picture's."""
    bar = max(12, round(share * picture.height))
    page = Image.new("RGB", (picture.width, picture.height + bar), (255, 255, 255))
    page.paste(picture, (0, 0))
    font = ImageFont.load_default(max(8, round(bar * 0.5)))
    ImageDraw.Draw(page).text((6, picture.height + bar // 5), "When the day is done", 0, font)
    return page


def lettered(picture: Image.Image, share: float, random: Random) -> Image.Image:
    """Large words across the picture, above and below: a meme. `share`: of the height, each."""
    picture = picture.copy()
    size, draw = max(8, round(share * picture.height)), ImageDraw.Draw(picture)
    font, edge = ImageFont.load_default(size), max(1, size // 12)
    below = picture.height - 3 * size // 2
    for text, y in (("ONE DOES NOT", size // 4), ("SIMPLY WALK", below)):
        at = (picture.width // 2, y)
        draw.text(at, text, (255, 255, 255), font, "ma", stroke_width=edge, stroke_fill=0)
    return picture


def stickered(picture: Image.Image, share: float, random: Random) -> Image.Image:
    """A face over a place of the picture; its diameter is a share of the short side."""
    picture = picture.copy()
    draw, radius = ImageDraw.Draw(picture), share * min(picture.size) / 2
    x = radius + random.random() * (picture.width - 2 * radius)
    y = radius + random.random() * (picture.height - 2 * radius)
    draw.ellipse((x - radius, y - radius, x + radius, y + radius), (255, 204, 51))
    for side in (-1, 1):
        cx, cy, eye = x + side * radius / 3, y - radius / 4, radius / 7
        draw.ellipse((cx - eye, cy - eye, cx + eye, cy + eye), (60, 40, 0))
    mouth = (x - radius / 2, y - radius / 2, x + radius / 2, y + radius / 2)
    draw.arc(mouth, 20, 160, (60, 40, 0), max(1, round(radius / 8)))
    return picture


def framed(picture: Image.Image, share: float, random: Random) -> Image.Image:
    colour = [(255, 255, 255), (0, 0, 0), (120, 80, 40)][int(random.integers(3))]
    return ImageOps.expand(picture, round(share * min(picture.size)), colour)


def letterboxed(picture: Image.Image, ratio: float, random: Random) -> Image.Image:
    """Padded to a page of that ratio of height to width, as stories and slides are."""
    width = max(picture.width, round(picture.height / ratio))
    height = max(picture.height, round(width * ratio))
    colour = (0, 0, 0) if random.random() < 0.5 else (255, 255, 255)
    page = Image.new("RGB", (width, height), colour)
    page.paste(picture, ((width - picture.width) // 2, (height - picture.height) // 2))
    return page


def screenshot(picture: Image.Image, share: float, random: Random) -> Image.Image:
    """The picture in a program on a screen of which it takes that share of the area."""
    area = picture.width * picture.height / share
    portrait = picture.height >= picture.width
    ratio = (16 / 9 if portrait else 9 / 16) if share < 0.6 else picture.height / picture.width
    width = max(round((area / ratio) ** 0.5), picture.width + 8)
    height = max(round(area / width), picture.height + 24)
    dark = random.random() < 0.5
    ground, ink = ((24, 24, 28), (230, 230, 230)) if dark else ((246, 246, 248), (40, 40, 40))
    page = Image.new("RGB", (width, height), ground)
    draw, line = ImageDraw.Draw(page), max(9, height // 28)
    font = ImageFont.load_default(line)
    draw.text((line // 2, 1), "12:41", ink, font)
    draw.text((width - 3 * line, 1), "87%", ink, font)
    top = max(line + 3, round((height - picture.height) * 0.4))
    page.paste(picture, ((width - picture.width) // 2, top))
    if (below := top + picture.height + 2) < height - line:
        draw.text((line // 2, below), "Liked by anna and 23 others", ink, font)
    return page


def forwarded(picture: Image.Image, factor: float, random: Random) -> Image.Image:
    """Sent on and on: cropped a little, made smaller, lit a little differently."""
    smaller = resized(cropped_anywhere(picture, 0.88, random), factor, random)
    return contrasted(lit(smaller, 1.1, random), 1.15, random)


KINDS: tuple[Kind, ...] = (
    Kind("format changed to PNG", (1,), unchanged, as_png),
    Kind("JPEG of quality", (80, 50, 25, 12), unchanged, as_jpeg_of_quality),
    Kind("WebP of quality", (75, 30), unchanged, as_webp),
    Kind("resized by", (2.0, 0.75, 0.5, 0.3), resized, as_jpeg),
    Kind("pixelated by", (0.5, 0.3), pixelated, as_jpeg),
    Kind("cropped about the centre to", (0.9, 0.75, 0.6, 0.45), cropped_about_the_centre, as_jpeg),
    Kind("cropped anywhere to", (0.85, 0.7, 0.5), cropped_anywhere, as_jpeg),
    Kind("cropped to a square", (1,), cropped_to_a_square, as_jpeg),
    Kind("turned by quarters", (90, 180, 270), turned_by_quarters, as_jpeg),
    Kind("turned and cropped, degrees", (2, 5, 10), turned_and_cropped, as_jpeg),
    Kind("turned and filled, degrees", (3, 8, 15), turned_and_filled, as_jpeg),
    Kind("mirrored", (1,), mirrored, as_jpeg),
    Kind("flipped upside down", (1,), flipped, as_jpeg),
    Kind("stretched by", (1.1, 0.8, 1.35), stretched, as_jpeg),
    Kind("slanted by", (0.05, 0.12), slanted, as_jpeg),
    Kind("brightness times", (1.25, 0.7, 1.6), lit, as_jpeg),
    Kind("contrast times", (1.3, 0.6, 1.7), contrasted, as_jpeg),
    Kind("saturation times", (1.5, 0.4, 2.2), saturated, as_jpeg),
    Kind("gamma", (0.75, 1.4, 0.5), bent, as_jpeg),
    Kind("hue turned by degrees", (15, 40, 120), rehued, as_jpeg),
    Kind("grey", (1,), grey, as_jpeg),
    Kind("sepia", (1,), sepia, as_jpeg),
    Kind("vintage filter", (0.5, 1.0), filtered, as_jpeg),
    Kind("posterised to bits", (4, 3), posterised, as_jpeg),
    Kind("blurred by", (0.006, 0.012, 0.02), blurred, as_jpeg),
    Kind("sharpened by percent", (80, 200), sharpened, as_jpeg),
    Kind("noise of deviation", (8, 20), noisy, as_jpeg),
    Kind("watermarked all over", (0.25, 0.5), watermarked, as_jpeg),
    Kind("signed in a corner", (0.06, 0.1), signed, as_jpeg),
    Kind("captioned below", (0.12, 0.25), captioned, as_jpeg),
    Kind("lettered across", (0.1, 0.16), lettered, as_jpeg),
    Kind("sticker of", (0.2, 0.4), stickered, as_jpeg),
    Kind("framed by", (0.04, 0.1), framed, as_jpeg),
    Kind("letterboxed to", (1.0, 1.7778), letterboxed, as_jpeg),
    Kind("screenshot, share", (0.8, 0.5, 0.35), screenshot, as_jpeg),
    Kind("forwarded, resized by", (0.8, 0.5), forwarded, as_poor_jpeg),
)
"""36 kinds in 84 grades."""
