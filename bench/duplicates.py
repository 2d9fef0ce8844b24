"""How well copies are found, beside perceptual hashes, imagededup and czkawka, in one run.

    python -m bench.duplicates --shards held-*.tar [--bases 600] [--edits 12] [--others 1500]
        [--bursts 100] [--mirrors DIR] [--skip 0] [--write] [--keep DIR]

Takes base pictures that nobody trained on, edits them by the table of `_edits`, adds pictures that
show other things of the same classes and the bursts of `_bursts` (real ones from clones in DIR, and
generated ones of some of the other pictures), indexes all of it as any folder and asks
`duplicates`. Recall counts the pairs (original, edit) that are together in a group; precision all
pairs of all groups of the levels *identical* and *same-picture*; two photos of a burst are
different. The other methods get every pair within their published threshold, without groups, which
favours them. `--skip` leaves out the first bases, where they were looked at before. `--write` puts
the figures into docs/duplicates.md.

Truth follows from how the album was made. Collections hold the same photo twice now and then: pairs
that were looked at and found to be so are named in `_same.txt`, and count neither way.
"""

import argparse
import itertools
import resource
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from bench import _bursts
from bench._edits import KINDS
from bench._judged import Base, File, album, bursts, chosen, pictures
from bench._page import put
from PIL import Image

from albumen import duplicates, packs
from albumen.library import indexing
from albumen.library.home import Home
from albumen.library.store import Store

PAGE = Path(__file__).parent.parent / "docs" / "duplicates.md"
SAME = Path(__file__).with_name("_same.txt")
MOST_NAMED = 25

Pairs = set[tuple[str, str]]
"""Names of two files, in order."""


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--shards", type=Path, nargs="+", required=True)
    arguments.add_argument("--bases", type=int, default=600)
    arguments.add_argument("--edits", type=int, default=12, help="of each base")
    arguments.add_argument("--others", type=int, default=1500, help="pictures without edits")
    arguments.add_argument("--bursts", type=int, default=100, help="of the others, generated")
    arguments.add_argument("--mirrors", type=Path, help="clones with real bursts, OWNER+NAME")
    arguments.add_argument("--skip", type=int, default=0, help="bases that were looked at before")
    arguments.add_argument("--write", action="store_true")
    arguments.add_argument(
        "--keep", type=Path, help="make album and library here, or take those that are"
    )
    options = arguments.parse_args()
    found = list(pictures(options.shards))
    drawn = chosen(found, options.skip + options.bases)
    known, bases = {base.key for base in drawn}, drawn[options.skip :]
    others = chosen([base for base in found if base.key not in known], options.others)
    with tempfile.TemporaryDirectory() as temporary:
        judge(options.keep or Path(temporary), bases, others, options)


def judge(folder: Path, bases: list[Base], others: list[Base], options: argparse.Namespace) -> None:
    """Make the album, find its copies with each method, print and write what came of it."""
    files = album(folder / "album", bases, others, options.edits)
    files += bursts(folder / "album", others[: options.bursts], options.mirrors)
    print(f"{len(files)} files of {len(bases)} bases and {len(others)} other pictures", flush=True)
    methods = {"Albumen": albumen(folder)}
    methods |= {name: hashed(files, *how) for name, how in HASHES.items()}
    methods |= imagededup(files)
    same, of_base = _same_pictures(), {file.path.name: file.base for file in files}
    print(report := table(files, methods, same, of_base))
    print(details := by_kind(files, methods))
    print(moments := by_burst(files, methods))
    print(failures := named(files, methods["Albumen"], same, of_base))
    if options.write:
        put(PAGE, "bench.duplicates", f"{report}\n\n{details}\n\n{moments}\n\n{failures}")


def albumen(folder: Path) -> Pairs:
    """Every pair of files that `albumen duplicates` puts together, of the first two levels."""
    home, fingerprint = Home(folder / "library"), packs.open_pack("fingerprint")
    began = time.monotonic()
    indexing.index(home, [folder / "album"], None, fingerprint=fingerprint)
    indexed = time.monotonic()
    with Store.open(home) as store:
        placed = duplicates.place(store, fingerprint.id)
        done = time.monotonic()
        levels = ("identical", "same-picture")
        groups = list(duplicates.groups(store, fingerprint.id, levels))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    print(
        f"indexed in {indexed - began:.0f} s, {placed} placed in {done - indexed:.0f} s, "
        f"{len(groups)} groups, {memory} MB",
        flush=True,
    )
    return {
        pair(one.path.name, other.path.name)
        for group in groups
        for number, one in enumerate(group.photos)
        for other in group.photos[:number]
    }


def pair(one: str, other: str) -> tuple[str, str]:
    return (one, other) if one < other else (other, one)


# Hashes, as published


def plain_phash(grey: Image.Image) -> np.ndarray:
    """64 bits: the lowest 8×8 frequencies of 32×32 against their median, as imagehash does it."""
    pixels = np.asarray(grey.resize((32, 32), Image.Resampling.LANCZOS), np.float64)
    places = np.arange(32) + 0.5
    waves = np.cos(np.pi / 32 * np.arange(8)[:, None] * places)
    low = waves @ pixels @ waves.T
    return (low > np.median(low)).ravel()


def plain_dhash(grey: Image.Image) -> np.ndarray:
    """64 bits: whether each of 9×8 pixels is darker than the next, as imagehash does it."""
    pixels = np.asarray(grey.resize((9, 8), Image.Resampling.LANCZOS), np.int16)
    return (pixels[:, 1:] > pixels[:, :-1]).ravel()


def czkawka(grey: Image.Image) -> np.ndarray:
    """256 bits: czkawka's default, a gradient hash of 16×16, resized by the nearest pixel."""
    pixels = np.asarray(grey.resize((17, 16), Image.Resampling.NEAREST), np.int16)
    return (pixels[:, :-1] < pixels[:, 1:]).ravel()


HASHES = {
    "pHash, 64 bits, distance ≤ 10": (plain_phash, 10),
    "dHash, 64 bits, distance ≤ 10": (plain_dhash, 10),
    "czkawka's defaults (gradient, 256 bits, distance ≤ 5)": (czkawka, 5),
}


def hashed(files: list[File], method, most: int) -> Pairs:
    """Every pair of files whose hashes differ in at most that many bits."""
    bits = []
    for file in files:
        with Image.open(file.path) as picture:
            bits.append(method(picture.convert("RGB").convert("L")))
    return _near(np.packbits(np.stack(bits), axis=1), files, most)


def _near(hashes: np.ndarray, files: list[File], most: int) -> Pairs:
    names, words = [file.path.name for file in files], hashes.view(np.uint64)
    found: Pairs = set()
    for row in range(len(words)):
        apart = np.bitwise_count(words[row + 1 :] ^ words[row]).sum(1)
        for other in np.flatnonzero(apart <= most):
            found.add(pair(names[row], names[row + 1 + int(other)]))
    return found


def imagededup(files: list[File]) -> dict[str, Pairs]:
    """Its pHash at its default threshold, where it is installed."""
    try:
        import bench._references  # noqa: F401 (it brings torchvision along)
        from imagededup.methods.hashing import PHash
    except ImportError as error:
        print(f"imagededup is not here ({error}); without it")
        return {}
    method, bits = PHash(verbose=False), []
    for file in files:
        word = method.encode_image(image_file=file.path)
        bits.append(np.frombuffer(bytes.fromhex(word), np.uint8))
    return {"imagededup's pHash, distance ≤ 10": _near(np.stack(bits), files, 10)}


# What came of it


def _same_pictures() -> Pairs:
    lines = SAME.read_text("utf-8").splitlines() if SAME.exists() else []
    return {pair(*line.split()) for line in lines if line and not line.startswith("#")}


def judged(pairs: Pairs, same: Pairs, of_base: dict[str, str]) -> tuple[int, list]:
    """How many pairs are right, and those that are wrong."""
    right, wrong = 0, []
    for one, other in pairs:
        bases = of_base[one], of_base[other]
        if bases[0] == bases[1]:
            right += 1
        elif pair(*bases) not in same:
            wrong.append((one, other))
    return right, sorted(wrong)


def wanted(files: Iterable[File]) -> list[tuple[File, tuple[str, str]]]:
    """Each edit, and the pair that it makes with its original."""
    originals = {file.base: file.path.name for file in files if file.kind is None}
    return [
        (file, pair(originals[file.base], file.path.name))
        for file in files
        if file.kind is not None
    ]


def table(
    files: list[File], methods: dict[str, Pairs], same: Pairs, of_base: dict[str, str]
) -> str:
    asked = wanted(files)
    rows = [
        f"{len(asked):,} edits of {len({file.base for file, _ in asked})} pictures, "
        f"{len(KINDS)} kinds, among {len(files):,} files.\n",
        "| method | recall | precision | wrong pairs |",
        "|---|---|---|---|",
    ]
    for name, pairs in methods.items():
        right, wrong = judged(pairs, same, of_base)
        recall = np.mean([each in pairs for _, each in asked])
        precision = right / max(1, right + len(wrong))
        rows.append(f"| {name} | {recall:.4f} | {precision:.4f} | {len(wrong):,} |")
    return "\n".join(rows)


def by_kind(files: list[File], methods: dict[str, Pairs]) -> str:
    """Recall for each kind and grade."""
    asked: dict[tuple[str, float], list[tuple[str, str]]] = defaultdict(list)
    for file, each in wanted(files):
        asked[str(file.kind), file.grade].append(each)
    rows = [f"| edit | pairs | {' | '.join(_short(methods))} |", "|---" * (len(methods) + 2) + "|"]
    for kind in KINDS:
        for grade in kind.grades:
            pairs = asked.get((kind.name, grade), [])
            if pairs:
                shares = [
                    f"{np.mean([p in found for p in pairs]):.2f}" for found in methods.values()
                ]
                name = kind.name if len(kind.grades) == 1 else f"{kind.name} {grade:g}"
                rows.append(f"| {name} | {len(pairs)} | {' | '.join(shares)} |")
    return "\n".join(rows)


def by_burst(files: list[File], methods: dict[str, Pairs]) -> str:
    """Pairs of photos of one scene that are no copies, and how many each method takes for such."""
    scenes: dict[tuple[str, str], list[str]] = defaultdict(list)
    originals = {file.scene: file.path.name for file in files if file.burst is None}
    for file in files:
        if file.burst is not None:
            scenes[file.burst, str(file.scene)].append(file.path.name)
    pairs: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for (burst, scene), names in scenes.items():
        first = [originals[scene]] if scene in originals else []
        pairs[burst] += [pair(*two) for two in itertools.combinations(first + names, 2)]
    rows = [
        f"| pairs that are no copies | pairs | {' | '.join(_short(methods))} |",
        "|---" * (len(methods) + 2) + "|",
    ]
    for burst, asked in pairs.items():
        taken = [str(sum(p in found for p in asked)) for found in methods.values()]
        rows.append(f"| {_bursts.described(burst)} | {len(asked):,} | {' | '.join(taken)} |")
    return "\n".join(rows)


def _short(methods: Iterable[str]) -> list[str]:
    return [name.split(",")[0].split(" (")[0] for name in methods]


def named(files: list[File], found: Pairs, same: Pairs, of_base: dict[str, str]) -> str:
    """Albumen's failures, by name."""
    _, wrong = judged(found, same, of_base)
    missed = [file for file, each in wanted(files) if each not in found]
    parts = [f"{len(missed)} edits missed, {len(wrong)} wrong pairs. The first of each:", ""]
    parts += [f"- missed: `{file.path.name}`" for file in missed[:MOST_NAMED]]
    parts += [f"- wrong: `{one}` with `{other}`" for one, other in wrong[:MOST_NAMED]]
    return "\n".join(parts)


if __name__ == "__main__":
    main()
