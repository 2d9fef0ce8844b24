"""A trained starter as the pack that is shipped.

    python -m recipes.starter.pack --data DIR --run DIR --out src/albumen/packs/starter

Every claim of the pack is measured here: how far the ONNX files are from the PyTorch towers on real
pictures and texts, how many pictures each source gave, and the statistics of the background.
"""

import argparse
import json
import re
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import torch
from recipes.notice import LICENCE, sources_table
from recipes.starter import background
from recipes.starter.lessons import Lessons
from recipes.starter.matches import CONTEXT, TextPool
from recipes.starter.plan import CONFIG
from recipes.starter.shards import SOURCES

from albumen.models.clip import CLIP, STARTER_CLIP
from albumen.packs import manifest as pack
from albumen.training import towers
from albumen.training.export import export_image, export_text, largest_difference
from albumen.training.pictures import MEAN, STD, whole

SIZE, COMPARED = 112, 64
TEMPLATES = (
    "a photo of a {}",
    "a picture of a {}",
    "a close-up photo of a {}",
    "there is a {} in the picture",
    "{}",
)


@torch.inference_mode()
def measured(clip: CLIP, lessons: Lessons, pool: TextPool) -> bytes:
    """background.safetensors, by the towers themselves."""

    def see(pictures: np.ndarray) -> np.ndarray:
        return clip.image(whole(pictures, SIZE))[0].numpy()

    def read(texts: list[str]) -> np.ndarray:
        return torch.cat([clip.text(part) for part in pool.tokens(texts).split(100)]).numpy()

    return background.measured(see, read, lessons, pool)


def known_words(texts: list[str]) -> str:
    """words.txt: the words that training met, most frequent first.

    One that stands in a single text counts only if it is that text: names do, slips of the pen in
    captions do not.
    """
    met = Counter(word for text in texts for word in re.findall("[a-z]+", text.lower()))
    alone = set(texts)
    kept = [word for word, count in met.items() if count > 1 or word in alone]
    return "".join(f"{word}\n" for word in sorted(kept, key=lambda word: (-met[word], word)))


def write_towers(clip: CLIP, lessons: Lessons, pool: TextPool, out: Path) -> dict[str, float]:
    """Write both graphs; returns how far they are from the towers, on development pictures."""
    export_image(clip, SIZE, out / "image.onnx")
    export_text(clip, out / "text.onnx")
    pixels = whole(lessons.pictures[lessons.development[:COMPARED]], SIZE)
    texts = pool.tokens(pool.texts[:: len(pool.texts) // COMPARED])
    return {
        "image": largest_difference(clip.image, out / "image.onnx", pixels),
        "text": largest_difference(clip.text, out / "text.onnx", texts),
    }


def sources(lessons: Lessons) -> tuple[pack.Source, ...]:
    """Each picture set with the number of pictures that training drew from."""
    return tuple(
        pack.Source(name, SOURCES[name].repository, len(rows), SOURCES[name].terms)
        for name, rows in lessons.rows.items()
    )


def card(used: tuple[pack.Source, ...]) -> str:
    """The model card, its table of sources filled in."""
    template = Path(__file__).with_name("CARD.md").read_text()
    return template.replace("{sources}", sources_table(used))


def write(data: Path, run: Path, out: Path) -> pack.Manifest:
    """Write the whole pack folder, replacing what was there."""
    lessons, pool = Lessons(data), TextPool(data)
    clip = towers.trained(run, CONFIG)
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    differences = write_towers(clip, lessons, pool, out)
    tokenizer = json.loads((data / "tokenizer.json").read_text("utf-8"))
    dense = json.dumps(tokenizer, ensure_ascii=False, separators=(",", ":"))  # 330 kB less
    (out / "tokenizer.json").write_text(dense, "utf-8")
    (out / "words.txt").write_text(known_words(pool.texts), "utf-8")
    (out / "background.safetensors").write_bytes(measured(clip, lessons, pool))
    used = sources(lessons)
    (out / "CARD.md").write_text(card(used))
    return pack.write(out, described(clip, used, differences))


def described(clip: CLIP, used: tuple[pack.Source, ...], apart: dict[str, float]) -> pack.Manifest:
    """pack.json's values, but for the files' hashes."""
    return pack.Manifest(
        format=pack.FORMAT,
        name="starter",
        kind="clip",
        architecture="half-width ResNet-18 at 112 px, averaged places; 3-layer text Transformer",
        version="1",
        dim=STARTER_CLIP.dim,
        image=pack.ImageTower("image.onnx", "pixels", "embeds", "local_embeds", (4, 4)),
        text=pack.TextTower("text.onnx", "input_ids", "embeds"),
        tokenizer=pack.TokenizerRecord("tokenizer.json", CONTEXT, 0, STARTER_CLIP.text.end_id),
        preprocessing=pack.PreprocessingRecord(SIZE, SIZE, "bicubic", MEAN, STD),
        templates=TEMPLATES,
        logit_scale=round(clip.scale.item(), 3),
        background="background.safetensors",
        words="words.txt",
        precision={
            "weights": "float16",
            "computation": "float32",
            "verified": {"compared": COMPARED, "max_difference": apart},
        },
        licence=LICENCE,
        sources=used,
        files={},
    )


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--data", type=Path, required=True, help="folder written by prepare")
    arguments.add_argument("--run", type=Path, required=True, help="folder of the training")
    arguments.add_argument("--out", type=Path, required=True)
    options = arguments.parse_args()
    manifest = write(options.data, options.run, options.out)
    verified = manifest.precision["verified"]["max_difference"]
    print(f"{manifest.size:,} bytes in {options.out}; largest differences: {verified}")


if __name__ == "__main__":
    main()
