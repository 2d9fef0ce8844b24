"""The texts of the recipe, their tokenizer, and what the sentence teacher says of them.

    python -m recipes.starter.texts --data DIR --mirrors DIR --minilm DIR

writes into DIR: `classes.json`, the names of ImageNet's 1,000 classes in the teacher's order;
`texts.json`, every text of the pool; `sentences.npy`, float16 (M, 384), what all-MiniLM-L6-v2 makes
of each; and `tokenizer.json`. MIRRORS holds git clones named OWNER+NAME, as for the shards.
"""

import argparse
import json
import re
import subprocess
import time
from pathlib import Path

import numpy as np
import torch
from recipes.starter.concepts import Concepts, plain
from recipes.starter.lessons import Described
from recipes.starter.shards import split_of
from tokenizers import Tokenizer

from albumen.training.captioned import train_tokenizer

VOCABULARY, CONTEXT = 8192, 32
WORDNET_NAMES, EVERYDAY_WORDS, SPANS = 20_000, 9_000, 12_000
SEED = 12


def git_file(mirrors: Path, repository: str, path: str) -> str:
    return git(mirrors, repository, "show", f"HEAD:{path}")


def git(mirrors: Path, repository: str, *command: str) -> str:
    base = mirrors / repository.replace("/", "+")
    places = (base, base / ".git", base / "repo", base / "repo/.git")
    found = next(place for place in places if (place / "objects").is_dir())
    done = subprocess.run(["git", f"--git-dir={found}", *command], capture_output=True, check=True)
    return done.stdout.decode("utf-8", "replace")


def wordnet(mirrors: Path) -> dict[str, list[str]]:
    """WordNet's names of every noun synset: wnid -> [name, synonym, ...]."""
    lines = git_file(mirrors, "seshuad/IMagenet", "tiny-imagenet-200/words.txt").splitlines()
    pairs = (line.split("\t", 1) for line in lines)
    return {wnid: [name.strip() for name in names.split(",")] for wnid, names in pairs}


def imagenet_classes(mirrors: Path, names: dict[str, list[str]]) -> list[list[str]]:
    """The names of the 1,000 classes, in the order of their wnids, which is the teacher's."""
    files = git(mirrors, "EliSchwartz/imagenet-sample-images", "ls-tree", "--name-only", "HEAD")
    stems = sorted(f.removesuffix(".JPEG") for f in files.splitlines() if f.endswith(".JPEG"))
    first = {stem[:9]: stem[10:].replace("_", " ") for stem in stems}
    return [[name, *(n for n in names.get(wnid, []) if n != name)] for wnid, name in first.items()]


def flickr_captions(mirrors: Path) -> list[str]:
    """All Flickr8k captions but those of validation and held pictures."""
    text = git_file(mirrors, "quantumnaan/sic_translator", "data/ignore_captions.txt")
    rows = (line.partition(",") for line in text.splitlines()[1:])
    return [
        plain(caption)
        for name, _, caption in rows
        if split_of("flickr8k", f"data/images/{name}") == "train"
    ]


def coco_captions(mirrors: Path) -> list[str]:
    """COCO's captions of 2017's validation but those of our own validation and held pictures.

    For the words alone: their pictures are not at hand.
    """
    data = json.loads(git_file(mirrors, "ruizewang/evaluate", "annotations/captions_val2017.json"))
    name = {image["id"]: image["file_name"] for image in data["images"]}
    return [
        plain(note["caption"])
        for note in data["annotations"]
        if split_of("coco", f"val2017/{name[note['image_id']]}") == "train"
    ]


def everyday_words(vocabulary: Path) -> list[str]:
    """Whole words of BERT's vocabulary, which is ordered by how common they are."""
    words = vocabulary.read_text(encoding="utf-8").splitlines()[1996:]
    return [w for w in words if re.fullmatch("[a-z]{3,}", w)][:EVERYDAY_WORDS]


def spans(captions: list[str], random: np.random.Generator) -> list[str]:
    """Short pieces of captions, as long as what people type into a search."""
    found = []
    for caption in random.choice(captions, SPANS):
        words = caption.split()
        size = int(random.integers(2, 6))
        start = int(random.integers(0, max(1, len(words) - size + 1)))
        found.append(" ".join(words[start : start + size]))
    return found


@torch.inference_mode()
def sentence_embeddings(texts: list[str], minilm: Path, batch: int = 256) -> np.ndarray:
    """The sentence teacher's embedding of each text, (M, 384), of length 1."""
    import bench._references  # noqa: F401  (so that transformers loads beside any PyTorch)
    from transformers import AutoModel

    tokenizer = Tokenizer.from_file(str(minilm / "tokenizer.json"))
    tokenizer.enable_padding()
    tokenizer.enable_truncation(48)
    model = AutoModel.from_pretrained(minilm).eval().to(torch.bfloat16)
    found = np.empty((len(texts), 384), np.float16)
    order = np.argsort([len(t) for t in texts])
    started = time.monotonic()
    for first in range(0, len(order), batch):
        rows = order[first : first + batch]
        encoded = tokenizer.encode_batch([texts[i] for i in rows])
        ids = torch.tensor([e.ids for e in encoded])
        mask = torch.tensor([e.attention_mask for e in encoded])
        states = model(input_ids=ids, attention_mask=mask).last_hidden_state.float()
        mean = (states * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)
        found[rows] = torch.nn.functional.normalize(mean).half()
        if first // batch % 40 == 0:
            rate = (first + len(rows)) / (time.monotonic() - started)
            print(f"{first + len(rows)} of {len(texts)} texts, {rate:.0f} a second", flush=True)
    return found


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--data", type=Path, required=True, help="folder written by prepare")
    arguments.add_argument("--mirrors", type=Path, required=True)
    arguments.add_argument("--minilm", type=Path, required=True, help="folder of model.safetensors")
    arguments.add_argument("--tokenizer", type=Path, help="one to go on with (default: a new one)")
    options = arguments.parse_args()
    random = np.random.default_rng(SEED)
    names = wordnet(options.mirrors)
    classes = imagenet_classes(options.mirrors, names)
    described = [
        Described.parse(line) for line in (options.data / "pictures.jsonl").open(encoding="utf-8")
    ]
    captions = flickr_captions(options.mirrors) + coco_captions(options.mirrors)
    captions += [
        plain(c) for d in described if not d.source.startswith("flickr8k") for c in d.captions
    ]
    nouns = [plain(n[0]) for n in names.values() if re.fullmatch("[a-z][a-z -]+", n[0])]
    nouns = [str(n) for n in random.choice(nouns, WORDNET_NAMES, replace=False)]
    words = everyday_words(options.minilm / "vocab.txt")
    concepts = Concepts(classes, described).phrases
    phrases = [phrase for several in concepts for phrase in several]
    pool = sorted({*phrases, *captions, *nouns, *words, *spans(captions, random)})
    if options.tokenizer:
        tokenizer = Tokenizer.from_file(str(options.tokenizer))
    else:
        corpus = captions + nouns + 3 * words + words[:4000] * 3 + 20 * phrases
        tokenizer = train_tokenizer(corpus, VOCABULARY)
    tokenizer.save(str(options.data / "tokenizer.json"))
    (options.data / "classes.json").write_text(json.dumps(classes))
    (options.data / "texts.json").write_text(json.dumps(pool, ensure_ascii=False))
    print(f"{len(pool)} texts, {tokenizer.get_vocab_size()} tokens", flush=True)
    np.save(options.data / "sentences.npy", sentence_embeddings(pool, options.minilm))


if __name__ == "__main__":
    main()
