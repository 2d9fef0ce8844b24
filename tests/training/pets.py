"""A folder with one folder a class, in view: pieces of real photos."""

import io
import json
import tarfile
from pathlib import Path

import skimage.data
from PIL import Image

PHOTOS = {"cat": "chelsea.png", "coffee": "coffee.png", "rocket": "rocket.jpg"}


def build(folder: Path, each: int = 9, classes: tuple[str, ...] = ("cat", "coffee")) -> Path:
    """`each` overlapping pieces of one photo a class, 100 pixels a side."""
    source = Path(skimage.data.__file__).parent
    for label in classes:
        (folder / label).mkdir(parents=True)
        photo = Image.open(source / PHOTOS[label]).convert("RGB").resize((160, 160))
        for number in range(each):
            x, y = 15 * (number % 4), 15 * (number // 4)
            photo.crop((x, y, x + 100, y + 100)).save(folder / label / f"{number}.png")
    return folder


def captioned(file: Path, each: int = 12) -> Path:
    """A shard: as many pieces of each of three photos, with a caption or a label."""
    source = Path(skimage.data.__file__).parent
    with tarfile.open(file, "w") as tar:
        for label, name in PHOTOS.items():
            photo = Image.open(source / name).convert("RGB").resize((160, 160))
            for number in range(each):
                x, y = 12 * (number % 6), 12 * (number // 6)
                out = io.BytesIO()
                photo.crop((x, y, x + 80, y + 80)).save(out, "JPEG")
                about = {"source": "pieces", "captions": [], "label": None}
                if number % 2:
                    about["label"] = label
                else:
                    about["captions"] = [f"A {label}, seen in part.", f"part of a {label}"]
                files = {"jpg": out.getvalue(), "json": json.dumps(about).encode()}
                for ending, data in files.items():
                    info = tarfile.TarInfo(f"{label}-{number:02d}.{ending}")
                    info.size = len(data)
                    tar.addfile(info, io.BytesIO(data))
    return file
