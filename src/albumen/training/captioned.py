"""Captioned pictures for a CLIP: shards, decoded once, with a teacher if there is one.

A picture's text is one of its captions, or its label in a template. A text that several pictures of
a batch share, or a label that they share, is true of all of them. A teacher is a pack: the image
trunk learns what its image tower sees, the text tower what its text tower reads.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from tokenizers import (
    Regex,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)
from torch import Tensor

from albumen.errors import UsageError
from albumen.evaluation.shards import Skip
from albumen.models.resnet import Trunk
from albumen.packs import Pack
from albumen.training import data, processes
from albumen.training.contrastive import Matches, Sentences
from albumen.training.data import OnProgress, Pixels, Rows
from albumen.training.distillation import Lesson
from albumen.training.naming import SEEN, Naming, Question, looked
from albumen.training.pictures import Augmentation, augmented
from albumen.training.towers import Widths
from albumen.whole_file import replacing

PAD, START, END = "<pad>", "<start>", "<end>"
TEMPLATES = ("{}", "a {}", "a photo of a {}", "a picture of a {}", "a photo of the {}")
CAPTIONED = 0.8  # how often a picture that has a caption and a label is shown with its caption
MOST_NAMES = 400  # in a batch of the stage `name`
AT_ONCE = 64

Vectors = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Captioned:
    """N pictures, (N, S, S, 3), and of each its captions, its label and its source."""

    pixels: Pixels
    captions: tuple[tuple[str, ...], ...]
    labels: tuple[str | None, ...]
    sources: tuple[str, ...]
    digests: tuple[str, ...]
    skipped: tuple[Skip, ...]


def read(
    shards: Path,
    side: int,
    folder: Path,
    sources: Sequence[str] = (),
    on_progress: OnProgress = lambda done, total: None,
    name: str = "train",
) -> Captioned:
    """Every picture of which something is said. Raises `UsageError` if nothing is said of any."""
    source = data.Source.of(shards, sources)
    pixels, known, skips = data.decoded(source, side, folder, name, on_progress)
    told = [bool(one["captions"] or one["label"]) for one in known]
    skips += [
        Skip(one["name"], "has neither caption nor label")
        for one, t in zip(known, told, strict=True)
        if not t
    ]
    rows = np.flatnonzero(told)
    if len(rows) < 2:
        raise UsageError(f"{shards} has no two pictures with captions or labels")
    kept = [known[row] for row in rows]
    return Captioned(
        pixels if all(told) else pixels[rows],
        tuple(tuple(map(plain, one["captions"])) for one in kept),
        tuple(one["label"] and plain(one["label"]) for one in kept),
        tuple(one["source"] for one in kept),
        tuple(one["digest"] for one in kept),
        tuple(skips),
    )


def plain(text: str) -> str:
    """Lower case, one space between words, no full stop or quotes at the ends."""
    return " ".join(text.split()).strip(' ."').lower()


def split(captioned: Captioned, share: float = 0.05, most: int = 500) -> tuple[Rows, Rows]:
    """Rows to train with, and some with captions (or labels) to choose the best weights by.

    Pictures of equal bytes are on one side.
    """
    drawn = np.array([int(digest[:8], 16) / 16**8 for digest in captioned.digests])
    order = np.argsort(drawn, kind="stable")
    count = max(1, min(most, round(share * len(order))))
    limit = drawn[order[count - 1]]
    judged = np.flatnonzero(drawn <= limit)
    return np.setdiff1d(np.arange(len(drawn)), judged), judged


def train_tokenizer(texts: Sequence[str], vocabulary: int) -> Tokenizer:
    """A byte-level BPE of lower-case text: every text has tokens, between a start and an end."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.Sequence(
        [
            normalizers.NFC(),
            normalizers.Replace(Regex(r"\s+"), " "),
            normalizers.Strip(),
            normalizers.Lowercase(),
        ]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=[PAD, START, END],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{START} $A {END}", special_tokens=[(START, 1), (END, 2)]
    )
    return tokenizer


def reader(tokenizer: Tokenizer, context: int) -> Callable[[Sequence[str]], Tensor]:
    """What gives the ids of texts, int64 (N, T); T is that of the longest, `context` at most."""
    own = Tokenizer.from_str(tokenizer.to_str())
    own.enable_truncation(context)
    own.enable_padding(pad_id=0, pad_token=PAD)
    return lambda texts: torch.tensor([e.ids for e in own.encode_batch([*texts])])


@dataclass(frozen=True)
class Teacher:
    """What a pack says: of each picture (N, D), and of each text by its number in `row`, (M, D)."""

    images: Vectors
    texts: Vectors
    row: dict[str, int]


def teach(pack: Pack, captioned: Captioned, folder: Path, on_progress: OnProgress) -> Teacher:
    """Ask the pack about all pictures and texts; what it said is kept in `folder`."""
    texts = sorted(
        {t for several in captioned.captions for t in several} | {t for t in captioned.labels if t}
    )
    said = {"pack": pack.id, "pictures": len(captioned.pixels), "texts": len(texts)}
    file, notes = folder / "teacher.npz", folder / "teacher.json"
    if not (notes.exists() and json.loads(notes.read_text("utf-8")) == said and file.exists()):
        steps, total = pack.preprocessing, len(captioned.pixels)
        images = []
        for at in range(0, total, AT_ONCE):
            shown = [steps.apply(picture) for picture in captioned.pixels[at : at + AT_ONCE]]
            images.append(pack.encode_images(np.stack(shown)))
            on_progress(min(at + AT_ONCE, total), total)
        read = pack.encode_texts(texts)
        np.savez(
            file, images=np.concatenate(images).astype(np.float16), texts=read.astype(np.float16)
        )
        with replacing(notes, durable=False) as out:
            out.write(json.dumps(said).encode())
    with np.load(file) as kept:
        images32, texts32 = kept["images"].astype(np.float32), kept["texts"].astype(np.float32)
    return Teacher(images32, texts32, {text: i for i, text in enumerate(texts)})


@dataclass(frozen=True)
class Shown:
    """How pictures and texts of a batch are made. `sizes`: until which share of the stage pictures
    have which side (Tan & Le, EfficientNetV2, 2021: small ones first).
    """

    batch: int
    texts: int
    sizes: tuple[tuple[float, int], ...]
    context: int
    seed: int


class CaptionedMaterial:
    """Batches for the stages of `towers`, of the rows to train with."""

    def __init__(
        self,
        captioned: Captioned,
        rows: Rows,
        tokenizer: Tokenizer,
        shown: Shown,
        teacher: Teacher | None,
    ) -> None:
        self.captioned, self.rows, self.shown, self.teacher = captioned, rows, shown, teacher
        self.tokens = reader(tokenizer, shown.context)
        pairs = sorted(
            {(s, t) for s, t in zip(captioned.sources, captioned.labels, strict=True) if t}
        )
        number = {pair: i for i, pair in enumerate(pairs)}
        known = zip(captioned.sources, captioned.labels, strict=True)
        self.label = np.array([number.get((s, t or ""), -1) for s, t in known], np.int64)
        self.names = [name for _, name in pairs]
        owner = np.array([source for source, _ in pairs])
        self.of_source = {
            s: owner == s if pairs else np.zeros(1, bool) for s in set(captioned.sources)
        }
        self.label_count = max(1, len(pairs))
        self.pool = sorted(
            {t for row in rows for t in (*captioned.captions[row], captioned.labels[row]) if t}
        )

    @property
    def widths(self) -> Widths:
        """Of what is taught."""
        if self.teacher is None:
            return Widths(labels=self.label_count)
        images, texts = self.teacher.images.shape[1], self.teacher.texts.shape[1]
        return Widths(features=images, labels=self.label_count, sentence=texts)

    def _views(self, progress: float) -> Augmentation:
        side = self.captioned.pixels.shape[1]
        crops = (side, round(0.875 * side), round(0.875 * side), round(0.75 * side))
        return Augmentation(next(s for until, s in self.shown.sizes if progress < until), crops)

    def _random(self, step: int, kind: int) -> np.random.Generator:
        return np.random.default_rng((self.shown.seed, kind, step))

    def _draw(self, step: int) -> Rows:
        """The rows of the whole batch: a shuffled pass over all, then another."""
        size = self.shown.batch
        of_an_epoch = max(1, len(self.rows) // size)
        epoch, place = divmod(step, of_an_epoch)
        order = self._random(epoch, 0).permutation(self.rows)
        order = np.resize(order, max(size, len(order)))
        return order[place * size :][:size]

    def lesson(self, step: int, progress: float) -> Lesson:
        """This process's share of the step's pictures."""
        drawn, own = self._draw(step), processes.share(self.shown.batch)
        views = self._views(progress)
        pixels = augmented(self.captioned.pixels, drawn, views, self._random(step, 1), own)
        rows = drawn[own]
        features = np.zeros((len(rows), 1), np.float32)
        if self.teacher is not None:
            features = self.teacher.images[rows]
        taught = torch.full((len(rows),), self.teacher is not None)
        allowed = np.stack([self.of_source[self.captioned.sources[row]] for row in rows])
        return Lesson(
            pixels,
            torch.from_numpy(features),
            torch.zeros(len(rows), 1),
            taught,
            torch.from_numpy(self.label[rows]),
            torch.from_numpy(allowed),
        )

    def sentences(self, step: int, progress: float) -> Sentences:
        """This process's share of some texts of the pool, with what the teacher makes of them."""
        random = self._random(step, 2)
        texts = [str(t) for t in random.choice(self.pool, self.shown.batch)]
        texts = texts[processes.share(self.shown.batch)]
        return Sentences(self.tokens(texts), self._read(texts))

    def matches(self, step: int, progress: float) -> Matches:
        """Pictures with a text each, and which text is true of which picture."""
        texts, truth = self._said(self._draw(step), self._random(step, 3))
        return Matches(self.lesson(step, progress), texts, truth)

    def _said(self, rows: Rows, random: np.random.Generator) -> tuple[Sentences, Tensor]:
        """Of a whole batch this process's texts, and which text is true of its pictures."""
        texts, phrases, labels = [], [], []
        for row in rows:
            text, phrase, label = self._text(int(row), random)
            texts.append(text)
            phrases.append(phrase)
            labels.append(label)
        own = processes.share(self.shown.batch)
        said = np.array(texts)[own, None] == np.array(texts)[None]
        meant = np.array(labels)[None]
        said |= (self.label[rows[own], None] == meant) & (meant >= 0)
        more = [str(t) for t in random.choice(self.pool, self.shown.texts)]
        more = more[processes.share(self.shown.texts)]
        sentences = Sentences(self.tokens([*texts[own], *more]), self._read([*phrases[own], *more]))
        return sentences, torch.from_numpy(said.astype(np.float32))

    def _text(self, row: int, random: np.random.Generator) -> tuple[str, str, int]:
        """A text for a picture, the phrase in it that a teacher knows, the label it names or -1."""
        captions, label = self.captioned.captions[row], self.captioned.labels[row]
        if captions and (label is None or random.random() < CAPTIONED):
            caption = str(random.choice(captions))
            return caption, caption, -1
        assert label is not None
        return str(random.choice(TEMPLATES)).format(label), label, int(self.label[row])

    def naming(
        self, trunk: Trunk, folder: Path, looking: OnProgress
    ) -> Callable[[int, float], Naming]:
        """Pictures with texts, and questions for labels, of what the locked trunk sees."""
        labelled = self.rows[self.label[self.rows] >= 0]
        if not len(labelled):
            raise UsageError("no picture has a label, and the stage name asks for labels")
        views, file = self._views(1.0), folder / SEEN
        seen = looked(trunk, self.captioned.pixels, self.rows, views, file, looking)

        def features(rows: Rows) -> Tensor:
            return torch.from_numpy(seen[rows].astype(np.float32))

        def batch(step: int, progress: float) -> Naming:
            rows, random = self._draw(step), self._random(step, 4)
            texts, truth = self._said(rows, random)
            asked = random.choice(labelled, self.shown.batch)
            seen = features(rows[processes.share(self.shown.batch)])
            return Naming(seen, texts, truth, self._question(asked, features, random))

        return batch

    def _question(
        self, asked: Rows, features: Callable[[Rows], Tensor], random: np.random.Generator
    ) -> Question:
        """Each picture of this process's share asked for its label among those of its source."""
        own, allowed = self.label[asked], [self.of_source[self.captioned.sources[r]] for r in asked]
        others = np.setdiff1d(np.flatnonzero(np.any(allowed, 0)), own)
        more = random.permutation(others)[: max(0, MOST_NAMES - len(own))]
        names = np.concatenate([np.unique(own), more])
        texts = [str(random.choice(TEMPLATES)).format(self.names[name]) for name in names]
        share = processes.share(len(asked))
        return Question(
            features(asked[share]),
            self.tokens(texts),
            torch.from_numpy(np.stack(allowed)[share][:, names]),
            torch.from_numpy(np.searchsorted(np.unique(own), own)[share]),
        )

    def _read(self, phrases: Sequence[str]) -> Tensor:
        if self.teacher is None:
            return torch.zeros(len(phrases), 1)
        return torch.from_numpy(self.teacher.texts[[self.teacher.row[p] for p in phrases]])


def text_of(captioned: Captioned, row: int) -> str:
    """What is said of a picture first: a caption, or its label in a sentence."""
    captions, label = captioned.captions[row], captioned.labels[row]
    return captions[0] if captions else f"a photo of a {label}"
