"""More than a thousand files that mean harm, or look as if they did, made in view from one seed.

Small pictures of every format are cut at each boundary of their structure, have bits flipped,
lengths and sizes replaced by lies, and other names put on them; bombs, loops and disguises are made
by hand. `good` marks the files that are whole pictures, whatever they are called: these must be
found.
"""

import gzip
import random
import struct
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

from PIL import Image
from PIL.PngImagePlugin import PngInfo
from tests.library.pictures import encoded, jpeg_with_size, noise, png_with_size, quadrants

from albumen.library.containers import boxes, jpeg_header, png_chunks, webp_chunks

FLIPPED = 24


class Hostile(NamedTuple):
    """A file of the corpus. `kind`: what was done to it."""

    kind: str
    name: str
    data: bytes
    good: bool = False


def corpus(seed: int = 0, *, heavy: bool = True) -> Iterator[Hostile]:
    """Every file; the same ones for the same seed. `heavy`: also those that take a while to make
    or to refuse, of 100 MB and of 100 megapixels.
    """
    samples = small_samples()
    chance = random.Random(seed)
    for kind, made in [
        ("whole", _whole(samples)),
        ("truncated", _truncated(samples)),
        ("bits flipped", _flipped(samples, chance)),
        ("lying lengths", _lying_lengths(samples)),
        ("lying headers", _lying_headers()),
        ("wrong extension", _wrong_extensions(samples)),
        ("disguised", _disguised()),
        ("bomb", _bombs(heavy)),
        ("loop", _loops()),
        ("metadata", _metadata(heavy)),
    ]:
        for name, data, good in made:
            yield Hostile(kind, f"{kind.replace(' ', '-')}-{name}", data, good)


def write(folder: Path, files: Iterator[Hostile]) -> dict[str, Hostile]:
    """Put the files into a folder; returns them by name, without their data."""
    folder.mkdir(parents=True, exist_ok=True)
    written: dict[str, Hostile] = {}
    for file in files:
        (folder / file.name).write_bytes(file.data)
        written[file.name] = file._replace(data=b"")
    return written


Made = Iterator[tuple[str, bytes, bool]]


def small_samples() -> dict[str, bytes]:
    """A small whole picture of each kind, by the name of its file."""
    picture, exif = noise((48, 32)), Image.Exif()
    exif[0x0112], exif[0x010F], exif[0x0132] = 6, "Maker", "2024:05:01 10:20:30"
    exif.get_ifd(0x8825)[1] = "N"
    text = PngInfo()
    text.add_text("Comment", "a text " * 40, zip=True)
    frames = {"save_all": True, "append_images": [noise((48, 32), 1), noise((48, 32), 2)]}
    block = exif.tobytes()
    return {
        "baseline.jpg": encoded(picture, "JPEG", exif=block, comment=b"a comment"),
        "progressive.jpg": encoded(picture, "JPEG", progressive=True, exif=block),
        "restarts.jpg": encoded(picture, "JPEG", restart_marker_blocks=1),
        "cmyk.jpg": encoded(picture.convert("CMYK"), "JPEG"),
        "plain.png": encoded(picture, "PNG", exif=block, pnginfo=text),
        "palette.png": encoded(picture.quantize(16), "PNG", transparency=3),
        "animated.png": encoded(picture, "PNG", **frames),
        "lossy.webp": encoded(picture, "WEBP", lossless=False, exif=block),
        "lossless.webp": encoded(picture.convert("RGBA"), "WEBP"),
        "animated.webp": encoded(picture, "WEBP", **frames),
        "animated.gif": encoded(picture, "GIF", **frames),
        "plain.bmp": encoded(picture, "BMP"),
        "palette.bmp": encoded(picture.quantize(16), "BMP"),
        "plain.tif": encoded(picture, "TIFF", exif=exif),
        "lzw.tif": encoded(picture, "TIFF", compression="tiff_lzw"),
        "pages.tif": encoded(picture, "TIFF", compression="tiff_deflate", **frames),
        "plain.heic": encoded(picture, "HEIF", exif=block),
        "plain.avif": encoded(picture, "AVIF", exif=block),
    }


def _whole(samples: dict[str, bytes]) -> Made:
    for name, data in samples.items():
        yield name, data, True
        yield (
            f"trailing-{name}",
            data + bytes(100)
            if name.endswith(("heic", "avif"))
            else (data + b"appended by some program"),
            not name.endswith(("heic", "avif")),
        )


def _truncated(samples: dict[str, bytes]) -> Made:
    for name, data in samples.items():
        cuts = {cut + by for cut in _boundaries(data) for by in (-1, 0, 1)}
        for cut in sorted(cut for cut in cuts if 0 <= cut < len(data)):
            yield f"{cut:05}-{name}", data[:cut], False


def _boundaries(data: bytes) -> set[int]:
    """Where the pieces of a file begin and end, as far as its format has any; and the quarters."""
    found = {len(data) * part // 4 for part in range(4)} | {2, 4, 8, 12, len(data)}
    if data.startswith(b"\xff\xd8"):
        pieces = list(jpeg_header(data))
    elif data.startswith(b"\x89PNG"):
        pieces = list(png_chunks(data))
    elif data.startswith(b"RIFF"):
        pieces = list(webp_chunks(data))
    elif data[4:8] == b"ftyp":
        pieces = list(boxes(data, 0, len(data)))
        for piece in [piece for piece in pieces if piece.name == b"meta"]:
            pieces += boxes(data, piece.start + 4, piece.end)
    elif data.startswith(b"GIF"):
        return found | {
            at for at in range(len(data)) if data[at : at + 2] in (b"\x21\xf9", b"\0\x2c")
        }
    elif data.startswith(b"BM"):
        return found | {14, 54, int.from_bytes(data[10:14], "little")}
    else:
        (start,) = struct.unpack_from("<I", data, 4)
        (entries,) = struct.unpack_from("<H", data, start)
        return found | {start, *(start + 2 + 12 * n for n in range(entries + 1))}
    return found | {at for piece in pieces for at in (piece.start, piece.end)}


def _flipped(samples: dict[str, bytes], chance: random.Random) -> Made:
    for name, data in samples.items():
        for number in range(FLIPPED):
            damaged = bytearray(data)
            reach = len(data) if number % 2 else min(len(data), 200)  # as often in the header
            for _ in range(chance.choice((1, 1, 2, 8))):
                damaged[chance.randrange(reach)] ^= 1 << chance.randrange(8)
            yield f"{number:02}-{name}", bytes(damaged), False


def _lying_lengths(samples: dict[str, bytes]) -> Made:
    """Each length of the structure replaced by one that cannot be."""
    for name, data in samples.items():
        for at, width, order in _lengths(data):
            for lie in (0, 1, 2 ** (8 * width - 1), 2 ** (8 * width) - 1):
                damaged = data[:at] + lie.to_bytes(width, order) + data[at + width :]
                yield f"{at:05}-{lie:x}-{name}", damaged, False


def _lengths(data: bytes) -> list[tuple[int, int, str]]:
    """Where lengths (of a TIFF: types, counts and values) stand: place, bytes, order of bytes."""
    if data.startswith(b"\xff\xd8"):
        return [(piece.start - 2, 2, "big") for piece in jpeg_header(data)]
    if data.startswith(b"\x89PNG"):
        return [(piece.start - 8, 4, "big") for piece in png_chunks(data)]
    if data.startswith(b"RIFF"):
        return [(4, 4, "little"), *((p.start - 4, 4, "little") for p in webp_chunks(data))]
    if data[4:8] == b"ftyp":
        found = list(boxes(data, 0, len(data)))
        for piece in [piece for piece in found if piece.name == b"meta"]:
            found += boxes(data, piece.start + 4, piece.end)
        return [(piece.start - 8, 4, "big") for piece in found]
    if data.startswith(b"II"):
        (start,) = struct.unpack_from("<I", data, 4)
        (entries,) = struct.unpack_from("<H", data, start)
        fields = [
            (start + 2 + 12 * n + by, width)
            for n in range(entries)
            for by, width in ((2, 2), (4, 4), (8, 4))
        ]
        return [(4, 4, "little"), (start, 2, "little"), *((at, w, "little") for at, w in fields)]
    return []


def _lying_headers() -> Made:
    """Sizes, depths and codes that cannot be, their checksums made right."""
    picture = quadrants()
    jpeg, png = encoded(picture, "JPEG"), encoded(picture, "PNG")
    gif, bmp = encoded(picture, "GIF"), encoded(picture, "BMP")
    sizes = ((0, 0), (0, 64), (1, 65535), (65535, 1), (65535, 65535), (95, 64), (4096, 4096))
    for width, height in sizes:
        size = f"{width}x{height}"
        yield f"{size}.jpg", jpeg_with_size(jpeg, width, height), False
        yield f"{size}.png", png_with_size(png, width, height), False
        yield f"{size}.gif", gif[:6] + struct.pack("<HH", width, height) + gif[10:], False
        yield f"{size}.bmp", bmp[:18] + struct.pack("<ii", width, height) + bmp[26:], False
        for format in ("HEIF", "AVIF"):  # the size stands in `ispe`
            data = encoded(picture, format)
            at = data.index(b"ispe") + 8
            lying = data[:at] + struct.pack(">II", width, height) + data[at + 8 :]
            yield f"{size}.{format.lower()}", lying, False
    for depth, colours in ((0, 2), (3, 2), (16, 3), (255, 255)):
        header = b"IHDR" + png[16:24] + bytes((depth, colours, 0, 0, 0))
        checked = header + struct.pack(">I", zlib.crc32(header))
        yield f"depth-{depth}-{colours}.png", png[:12] + checked + png[33:], False
    frame = jpeg.index(b"\xff\xc0")
    for components in (0, 2, 5, 255):
        lying = jpeg[: frame + 9] + bytes((components,)) + jpeg[frame + 10 :]
        yield f"components-{components}.jpg", lying, False
    for bits, compression in ((0, 0), (1, 1), (24, 1), (32, 3), (64, 99)):
        fields = struct.pack("<HI", bits, compression)
        yield f"{bits}-bits-coded-{compression}.bmp", bmp[:28] + fields + bmp[34:], False
    codes = gif.rindex(b",\0\0\0\0") + 10
    for smallest in (0, 1, 13, 255):
        lying = gif[:codes] + bytes((smallest,)) + gif[codes + 1 :]
        yield f"smallest-code-{smallest}.gif", lying, False


def _wrong_extensions(samples: dict[str, bytes]) -> Made:
    """Whole pictures under each other's names: the content counts."""
    extensions = ("jpg", "png", "webp", "gif", "bmp", "tif", "heic", "avif")
    for name in (f"plain.{e}" for e in ("png", "bmp", "tif", "heic", "avif")):
        for extension in extensions:
            if not name.endswith(extension):
                yield f"{name.replace('.', '-')}.{extension}", samples[name], True
    for extension in extensions[1:]:
        yield f"baseline-jpg.{extension}", samples["baseline.jpg"], True


def _disguised() -> Made:
    """What is no picture, or no picture to be opened, under a picture's name."""
    svg = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
    entities = b"".join(b'<!ENTITY a%d "%s">' % (n, b"&a%d;" % (n - 1) * 10) for n in range(1, 10))
    archive = BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as zipped:
        zipped.writestr("photo.jpg", bytes(10_000_000))
    for name, data in {
        "svg": svg,
        "svg-xml": b'<?xml version="1.0"?>\n<!-- a picture -->\n' + svg,
        "svg-entities": b'<?xml version="1.0"?><!DOCTYPE svg [' + entities + b"]>" + svg,
        "svg-outside": b'<!DOCTYPE svg [<!ENTITY f SYSTEM "file:///etc/passwd">]><svg>&f;</svg>',
        "svgz": gzip.compress(svg),
        "eps": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(%pipe%id) (w) file\n",
        "eps-dos": b"\xc5\xd0\xd3\xc6" + struct.pack("<IIIIIIH", 32, 40, 0, 0, 0, 0, 0xFFFF) + svg,
        "pdf": b"%PDF-1.7\n1 0 obj<</OpenAction<</S/Launch/F(calc.exe)>>>>endobj\n%%EOF",
        "html": b"<!doctype html><img src=x onerror=alert(1)>",
        "php": b"<?php system($_GET['c']); ?>",
        "shell": b"#!/bin/sh\nrm -rf ~\n",
        "elf": b"\x7fELF\x02\x01\x01" + bytes(200),
        "exe": b"MZ" + bytes(200),
        "zip": archive.getvalue(),
        "tar": b"photo.jpg".ljust(100, b"\0") + b"0000644\0" + bytes(400),
        "pickle": b"\x80\x04cos\nsystem\n(S'id'\ntR.",
        "sqlite": b"SQLite format 3\0" + bytes(100),
        "mp4": struct.pack(">I", 24) + b"ftypisom" + bytes(12) + b"\0\0\0\x08mdat",
        "avi": b"RIFF\x10\0\0\0AVI " + bytes(16),
        "jxl": b"\xff\x0a" + bytes(50),
        "jp2": b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(50),
        "psd": b"8BPS\0\1" + bytes(50),
        "ico": b"\0\0\1\0\1\0" + bytes(50),
        "text": b"not a picture",
        "bm-text": b"BMW is a make of cars, not of pictures",
        "lfs": b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
        "random": random.Random(5).randbytes(5000),
        "zeros": bytes(5000),
        "empty": b"",
    }.items():
        yield f"{name}.jpg", data, False
        yield f"{name}.png", data, False


def _png_chunk(name: bytes, content: bytes) -> bytes:
    checked = name + content
    return struct.pack(">I", len(content)) + checked + struct.pack(">I", zlib.crc32(checked))


def zeros(count: int) -> bytes:
    """So many zeros, deflated: one block of a megabyte repeated, however many they are."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = packer.compress(bytes(1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
    last = zlib.compressobj(9, zlib.DEFLATED, -15)
    rest = last.compress(bytes(count % (1 << 20))) + last.flush()
    checksum = struct.pack(">HH", count % 65521, 1)  # Adler-32 of zeros
    return b"\x78\x9c" + block * (count >> 20) + rest + checksum


def png(width: int, height: int, *, depth: int = 8, colours: int = 2, extra: bytes = b"") -> bytes:
    """A black PNG of that size, in a few kilobytes however large it is."""
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colours]
    rows = zeros(height * (1 + (width * depth * channels + 7) // 8))
    header = _png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colours, 0, 0, 0))
    parts = header, extra, _png_chunk(b"IDAT", rows), _png_chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def tiff(width: int, height: int, strip: bytes, compression: int, *, bits: int = 8) -> bytes:
    """A grey TIFF of one strip."""
    tags = [(256, width), (257, height), (258, bits), (259, compression), (262, 1), (273, 8),
            (277, 1), (278, height), (279, len(strip))]  # fmt: skip
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
    directory = struct.pack("<H", len(tags)) + entries + bytes(4)
    return b"II*\0" + struct.pack("<I", 8 + len(strip)) + strip + directory


def _bombs(heavy: bool) -> Made:
    """Small files that ask for much: pixels, frames, scans, pieces, text."""
    jpeg, progressive = (
        encoded(quadrants(), "JPEG", progressive=progressive) for progressive in (False, True)
    )
    yield "65500x65500.jpg", jpeg_with_size(jpeg, 65500, 65500), False
    yield "19000x21000.jpg", jpeg_with_size(jpeg, 19000, 21000), False
    yield "99-megapixels.jpg", jpeg_with_size(progressive, 9900, 9999), False
    yield "strip.jpg", jpeg_with_size(jpeg, 65500, 300), False
    start, end = progressive.rindex(b"\xff\xda"), progressive.rindex(b"\xff\xd9")
    for scans in (150, 5000):
        many = progressive[:start] + progressive[start:end] * scans + b"\xff\xd9"
        yield f"{scans}-scans.jpg", many, False
    yield "empty-segments.jpg", jpeg[:2] + b"\xff\xfe\0\2" * 500_000 + jpeg[2:], False
    yield "markers.jpg", b"\xff\xd8\xff\xd0" * 1_000_000, False
    yield "60000x60000.png", png(60000, 9000, depth=1, colours=0), False
    yield "2000x3000-16-bits.png", png(2000, 3000, depth=16, colours=6), False
    packed = zeros(900_000)
    many = _png_chunk(b"zTXt", b"Comment\0\0" + packed) * 70
    yield "texts.png", png(64, 64, extra=many), False
    profile = _png_chunk(b"iCCP", b"p\0\0" + zeros(200_000_000))
    yield "profile.png", png(64, 64, extra=profile), False
    yield "empty-chunks.png", png(64, 64, extra=_png_chunk(b"tEXt", b"") * 300_000), False
    for size in (16383, 6300) if heavy else ():
        yield f"{size}x{size}.webp", encoded(Image.new("L", (size, size)), "WEBP", method=0), False
    frames = [Image.new("P", (64, 64), n % 250) for n in range(3000)]
    yield "frames.gif", encoded(frames[0], "GIF", save_all=True, append_images=frames[1:]), False
    plain = encoded(quadrants(), "GIF")
    yield "65535x65535.gif", plain[:6] + b"\xff\xff\xff\xff" + plain[10:], False
    black = zeros(14000 * 14000)
    yield "deflate-60000.tif", tiff(60000, 60000, black, 8), False
    yield "fax-60000.tif", tiff(60000, 60000, bytes(5000), 4, bits=1), False
    for format in ("HEIF", "AVIF"):
        extension = format.lower()
        data = encoded(quadrants((640, 480)), format, quality=1)
        at = data.index(b"ispe") + 8
        for width, height in ((30000, 30000), (2**31 - 1, 2**31 - 1), (14000, 14000)):
            lying = data[:at] + struct.pack(">II", width, height) + data[at + 8 :]
            yield f"{width}x{height}.{extension}", lying, False
    runs = b"\xff\0" * 200_000 + b"\0\1"
    for width, height in ((14000, 14000), (60000, 60000), (-1, 2**31 - 1)):
        yield f"runs-{width}x{height}.bmp", bmp(width, height, runs), False
    if heavy:
        yield from _large(black)


def bmp(width: int, height: int, runs: bytes) -> bytes:
    """A BMP of runs, without a palette."""
    fields = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 8, 1, len(runs), 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", 0, 0, 0, 54) + fields + runs


def _large(black: bytes) -> Made:
    """What is within the bounds, but only just: it costs a worker's time and memory."""
    for width, height, depth, colours in (
        (14000, 14000, 1, 0), (9000, 9000, 8, 2), (6300, 6300, 8, 6), (6300, 6300, 16, 6),
        (200_000, 900, 8, 2), (900, 9000, 8, 0),
    ):  # fmt: skip
        name = f"{width}x{height}-{depth}-{colours}.png"
        yield name, png(width, height, depth=depth, colours=colours), True
    yield "14000x14000.gif", encoded(Image.new("P", (14000, 14000)), "GIF"), False
    yield "deflate-14000.tif", tiff(14000, 14000, black, 8), False
    yield "reals.tif", tiff(7000, 7000, black, 8, bits=32), False
    packed = b"\x81\0" * (14000 * 14000 // 128)
    yield "packbits-14000.tif", tiff(14000, 14000, packed, 32773), False
    for format in ("HEIF", "AVIF"):
        large = Image.new("RGB", (4000, 3000))
        yield f"12-megapixels.{format.lower()}", encoded(large, format, quality=1), True


def _entry(tag: int, kind: int, count: int, value: int) -> bytes:
    return struct.pack("<HHII", tag, kind, count, value)


def _directory(*entries: bytes, after: int = 0) -> bytes:
    return struct.pack("<H", len(entries)) + b"".join(entries) + struct.pack("<I", after)


def _with_exif(block: bytes) -> Iterator[tuple[str, bytes]]:
    """One EXIF block in each container that holds one; a TIFF is its own."""
    plain = noise((48, 32))
    for extension, format in (("jpg", "JPEG"), ("png", "PNG"), ("webp", "WEBP"), ("heic", "HEIF"),
                              ("avif", "AVIF")):  # fmt: skip
        if format == "JPEG" and len(block) > 65_000:
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's, of what it writes
            yield extension, encoded(plain, format, exif=b"Exif\0\0" + block)


def _loops() -> Made:
    """Directories that lead to themselves or to each other; entries that hold everything, each."""
    head = b"II*\0\x08\0\0\0"
    size = _entry(256, 4, 1, 64) + _entry(257, 4, 1, 64)
    sub = _entry(0x014A, 4, 1, 8)
    to_itself = head + _directory(_entry(0x8769, 4, 1, 8), _entry(0x8825, 4, 1, 8), after=8)
    each_other = head + _directory(_entry(0x8769, 4, 1, 26), after=26)
    each_other += _directory(_entry(0x8769, 4, 1, 8), after=8)
    everything = head + _directory(*(_entry(0x9000 + n, 7, 60_000, 8) for n in range(4000)))
    endless = head + b"".join(_directory(_entry(0x0112, 3, 1, 1), after=8 + 18 * (n + 1)) for n in
                              range(3000))  # fmt: skip
    for name, block in {"itself": to_itself, "each-other": each_other, "everything": everything,
                        "chain": endless}.items():  # fmt: skip
        for extension, data in _with_exif(block):
            yield f"{name}.{extension}", data, extension != "tif"
        yield f"{name}.tif", block, False
    yield "sub.tif", head + _directory(size[:12], size[12:], sub, after=8), False
    pages = bytearray(encoded(noise((48, 32)), "TIFF", save_all=True,
                              append_images=[noise((48, 32), 1)]))  # fmt: skip
    (first,) = struct.unpack_from("<I", pages, 4)
    (entries,) = struct.unpack_from("<H", pages, first)
    struct.pack_into("<I", pages, first + 2 + 12 * entries, first)
    yield "pages.tif", bytes(pages), True


def _xmp(packet: bytes) -> bytes:
    return b"http://ns.adobe.com/xap/1.0/\0" + packet


def _metadata(heavy: bool) -> Made:
    """Metadata that is large, deep or meant to grow."""
    plain = encoded(noise((48, 32)), "JPEG")

    def with_segments(*contents: bytes) -> bytes:
        segments = (b"\xff\xe1" + struct.pack(">H", len(c) + 2) + c for c in contents)
        return plain[:2] + b"".join(segments) + plain[2:]

    laughs = b"".join(b'<!ENTITY a%d "%s">' % (n, b"&a%d;" % (n - 1) * 10) for n in range(1, 10))
    for name, packet in {
        "entities": b'<!DOCTYPE x [<!ENTITY a0 "ha">' + laughs + b"]><x>&a9;</x>",
        "outside": b'<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]><x>&f;</x>',
        "deep": b"<a>" * 20_000,
        "elements": b"<x>" + b"<a/>" * 16_000 + b"</x>",
    }.items():
        yield f"xmp-{name}.jpg", with_segments(_xmp(packet[:65_000])), True
    large = b"<x>" + b"<a b='c'/>" * 100_000 + b"</x>"
    text = _png_chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + large)
    yield "xmp-million.png", png(64, 64, extra=text), True
    exif = b"Exif\0\0II*\0\x08\0\0\0"
    yield "segments.jpg", with_segments(*[exif + bytes(65_000)] * 100), True
    if heavy:
        block = exif + _directory(_entry(0x9286, 7, 100 << 20, 26)) + bytes(100 << 20)
        yield "100-mb.jpg", with_segments(*[exif + bytes(65_000)] * 1600), True
        yield "100-mb.png", png(64, 64, extra=_png_chunk(b"eXIf", block[6:])), True
        padded = encoded(noise((48, 32)), "WEBP", exif=exif + bytes(1000))
        at = padded.index(b"EXIF") + 4
        old = 8 + int.from_bytes(padded[at : at + 4], "little")
        grown = b"RIFF" + struct.pack("<I", at + 4 + len(block) - 8) + padded[8:at]
        assert at - 4 + old + old % 2 >= len(padded) - 1  # EXIF is the last chunk
        yield "100-mb.webp", grown + struct.pack("<I", len(block)) + block, True
        yield "100-mb.tif", block[6:], False
        heic = encoded(noise((48, 32)), "HEIF")
        yield (
            "100-mb.heic",
            heic + struct.pack(">I", (100 << 20) + 8) + b"free" + bytes(100 << 20),
            True,
        )
