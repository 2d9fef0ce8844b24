"""The trained fingerprint as the pack that Albumen ships.

    python -m recipes.fingerprint.pack --data DIR --run DIR --out src/albumen/packs/fingerprint

Takes the averaged weights of the run's last checkpoint; the card says which pictures it learned
from. What storing weights in half precision changes is measured on pictures not trained on.
"""

import argparse
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import torch
from recipes.notice import LICENCE, sources_table
from recipes.starter.shards import SOURCES

from albumen.models.fingerprint import Fingerprint
from albumen.packs import manifest as pack
from albumen.training import checkpoint
from albumen.training.export import export_fingerprint, largest_difference
from albumen.training.fingerprint import CopyDetectionConfig
from albumen.training.pictures import MEAN, STD, normalised

COMPARED = 64


def trained(run: Path) -> tuple[Fingerprint, int]:
    """The averaged network of a run, and after how many steps."""
    state = checkpoint.read_state(run / checkpoint.LAST)
    network = Fingerprint()
    network.load_state_dict(state.average)
    return network.eval(), int(state.about["step"])


def write(data: Path, run: Path, out: Path) -> pack.Manifest:
    """Write the whole pack folder, replacing what was there."""
    network, steps = trained(run)
    config = CopyDetectionConfig()
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    export_fingerprint(network, config.size, out / "image.onnx")
    lines = [line.split("\t") for line in (data / "keys.txt").read_text().splitlines()]
    dev = np.flatnonzero([split == "dev" for *_, split in lines])[:COMPARED]
    pictures = np.load(data / "pictures.npy", mmap_mode="r")[dev]
    pixels = torch.from_numpy(pictures).permute(0, 3, 1, 2).float()
    pixels = torch.nn.functional.interpolate(pixels, (config.size,) * 2, mode="area")
    apart = largest_difference(network, out / "image.onnx", normalised(pixels))
    used = sources(Counter(source for _, source, split in lines if split == "train"))
    (out / "CARD.md").write_text(card(used, steps, config))
    return pack.write(out, described(network, used, apart, config))


def sources(counted: Counter[str]) -> tuple[pack.Source, ...]:
    """Each picture set with the number of pictures that training drew from."""
    return tuple(
        pack.Source(name, SOURCES[name].repository, count, SOURCES[name].terms)
        for name, count in sorted(counted.items())
    )


def card(used: tuple[pack.Source, ...], steps: int, config: CopyDetectionConfig) -> str:
    """The model card, its blanks filled in."""
    template = Path(__file__).with_name("CARD.md").read_text()
    shown = template.replace("{sources}", sources_table(used))
    return shown.replace("{steps}", f"{steps:,}").replace("{batch}", str(config.batch))


def described(
    network: Fingerprint, used: tuple[pack.Source, ...], apart: float, config: CopyDetectionConfig
) -> pack.Manifest:
    """pack.json's values, but for the files' hashes."""
    return pack.Manifest(
        format=pack.FORMAT,
        name="fingerprint",
        kind="fingerprint",
        architecture="ConvNet of 7 layers at 80 px, generalised mean; after SSCD",
        version="1",
        dim=network.head.out_features,
        image=pack.ImageTower("image.onnx", "pixels", "embeds"),
        preprocessing=pack.PreprocessingRecord((config.size,) * 2, None, "bicubic", MEAN, STD),
        precision={
            "weights": "float16",
            "computation": "float32",
            "verified": {"compared": COMPARED, "max_difference": {"image": apart}},
        },
        licence=LICENCE,
        sources=used,
        files={},
    )


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--data", type=Path, required=True, help="folder written by prepare")
    arguments.add_argument("--run", type=Path, required=True, help="folder written by train")
    arguments.add_argument("--out", type=Path, required=True)
    options = arguments.parse_args()
    made = write(options.data, options.run, options.out)
    print(f"{made.size:,} bytes in {options.out}; {made.precision['verified']['max_difference']}")


if __name__ == "__main__":
    main()
