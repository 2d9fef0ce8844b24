"""An opened pack: pictures and texts in, vectors out. A tower is opened when it is first used."""

import re
from collections.abc import Iterable, Sequence
from functools import cached_property
from math import ceil
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from albumen.packs import background, catalogue, manifest
from albumen.packs.background import Background
from albumen.packs.errors import PackError
from albumen.packs.loading import checked_onnx, read_file
from albumen.packs.manifest import Manifest, TextTower, TokenizerRecord
from albumen.packs.preprocessing import Pixels, Preprocessing
from albumen.packs.runtime import Session, cores
from albumen.packs.tokenizer import Tokenizer, Tokens

Vectors = NDArray[np.float32]

ARTICLE_BEFORE_ARTICLE = re.compile(r"\b(?:an?|the) (?=(?:an?|the) )", re.IGNORECASE)
BATCH = 32  # pictures or texts at once: more gains no speed on a CPU and takes memory
PIXELS = 8 * 256 * 256  # at once: what a network computes of them takes 40 times their memory


def open_pack(
    name: str | Path,
    *,
    packs_dir: Path | None = None,
    device: str = "cpu",
    threads: int | None = None,
) -> "Pack":
    """The pack of that name, shipped or in `packs_dir`, or the one in that folder.

    device: "cpu", or what the installed ONNX Runtime offers besides. threads: None for all cores
    that may be used. Raises `PackError`, with the names that are known, if there is none such.
    """
    return Pack(catalogue.find(name, packs_dir), device=device, threads=threads)


class Pack:
    """A pack on disk. Nothing but its manifest is read until something is encoded."""

    def __init__(self, folder: Path, *, device: str = "cpu", threads: int | None = None) -> None:
        self.folder = folder
        self.manifest: Manifest = manifest.read(folder)
        self.id = manifest.pack_id(self.manifest)
        self.preprocessing = Preprocessing(self.manifest.preprocessing)
        self._device, self._threads = device, threads

    @property
    def name(self) -> str:
        """The name it is chosen by."""
        return self.manifest.name

    @property
    def dim(self) -> int:
        """Length of its vectors."""
        return self.manifest.dim

    @property
    def is_classifier(self) -> bool:
        """Whether it has labels of its own, rather than vectors."""
        return self.manifest.kind == "classifier"

    @property
    def labels(self) -> tuple[str, ...]:
        """A classifier's labels, in the order of its outputs."""
        return self.manifest.labels

    def open_images(self) -> None:
        """Open the picture tower now, to know that it runs; raises `PackError`."""
        _ = self._image_session

    def encode_images(self, batch: Pixels) -> Vectors:
        """batch: uint8 (B, S, S, 3), from `preprocessing.apply` -> (B, dim), of length 1."""
        if self.is_classifier:
            raise PackError(
                f"the pack {self.name} is a classifier: it names what a photo shows (albumen "
                "classify) and gives no vectors to search with; choose another (packs list)"
            )
        return self._image_outputs(batch)

    def logits(self, batch: Pixels) -> Vectors:
        """A classifier's outputs before softmax: uint8 (B, S, S, 3) -> (B, K), one a label."""
        if not self.is_classifier:
            raise PackError(
                f"the pack {self.name} is no classifier and has no labels of its own; "
                'give them in words, such as: albumen classify PHOTO --labels "a cat, a dog"'
            )
        return self._image_outputs(batch)

    def classify_images(self, batch: Pixels) -> Vectors:
        """A classifier's probabilities of its `labels`: uint8 (B, S, S, 3) -> (B, K), sums 1."""
        return softmax(self.logits(batch))

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """texts: B of any length, cut off at the context -> (B, dim), of length 1."""
        tower, session = self._text_tower, self._text_session
        parts = []
        for at in range(0, len(texts), BATCH):
            ids, mask = self._tokenizer.batch(texts[at : at + BATCH])
            inputs = {tower.input: ids}
            if tower.attention_mask is not None:
                inputs[tower.attention_mask] = mask
            parts.append(session.run(tower.embeds, inputs))
        return self._joined(parts)

    def encode_label(self, label: str) -> Vectors:
        """The vector (dim,) of a class's name: the mean over the pack's templates, of length 1.

        An article of the label's own replaces the template's: "a photo of a {}" and "an owl" give
        "a photo of an owl".
        """
        filled = [template.replace("{}", label) for template in self.manifest.templates or ("{}",)]
        texts = [ARTICLE_BEFORE_ARTICLE.sub("", text) for text in filled]
        mean: Vectors = self.encode_texts(texts).mean(axis=0)
        return mean / np.linalg.norm(mean)

    def tokens(self, text: str) -> Tokens:
        """How the pack reads a text."""
        return self._tokenizer.tokens(text)

    @cached_property
    def background(self) -> Background | None:
        """The statistics for cut-offs, if the pack has them."""
        if self.manifest.background is None:
            return None
        data = read_file(self.folder, self.manifest, self.manifest.background)
        try:
            return background.load(data, self.dim)
        except Exception as error:  # the library's error derives from Exception alone
            file = self.folder / self.manifest.background
            raise PackError(f"{file} is damaged ({error!r}); get the pack again") from error

    @cached_property
    def words(self) -> tuple[str, ...]:
        """The words that its training met, most frequent first; none where the pack has no list."""
        if self.manifest.words is None:
            return ()
        data = read_file(self.folder, self.manifest, self.manifest.words)
        try:
            return tuple(data.decode().split())
        except UnicodeDecodeError as error:
            file = self.folder / self.manifest.words
            raise PackError(f"{file} is damaged ({error}); get the pack again") from error

    def verify(self) -> None:
        """Re-hash every file, open all that is opened ever, encode probes; raises `PackError`."""
        for name in self.manifest.files:
            read_file(self.folder, self.manifest, name)
        _ = (self.background, self.words)
        side = self.preprocessing.short_side
        probe = self.preprocessing.apply(np.full((side, side, 3), 128, np.uint8))
        if self.is_classifier:  # `logits` itself refuses what are no K finite numbers
            self.logits(probe[np.newaxis])
            return
        vectors = [self.encode_images(probe[np.newaxis])]
        if self.manifest.text is not None:
            vectors.append(self.encode_texts(["a photo"]))
        if not np.allclose(np.linalg.norm(np.concatenate(vectors), axis=1), 1, atol=1e-3):
            raise PackError(f"{self.folder} gives vectors that are not of length 1")

    @property
    def _text_tower(self) -> TextTower:
        if self.manifest.text is None:
            raise PackError(f"the pack {self.name} reads no texts; choose another (packs list)")
        return self.manifest.text

    @property
    def _tokenizer_record(self) -> TokenizerRecord:
        if self.manifest.tokenizer is None:
            raise PackError(f"the pack {self.name} reads no texts; choose another (packs list)")
        return self.manifest.tokenizer

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        record = self._tokenizer_record
        data = read_file(self.folder, self.manifest, record.file)
        return Tokenizer(data, record, self.folder / record.file)

    @cached_property
    def _image_session(self) -> Session:
        # A batch's parts are run side by side, a core each: cores that share one part wait for
        # each other at every layer.
        return self._open(self.manifest.image.file, threads=1, rearrange=True)

    @cached_property
    def _text_session(self) -> Session:
        return self._open(self._text_tower.file, threads=self._threads, rearrange=False)

    def _open(self, file: str, *, threads: int | None, rearrange: bool) -> Session:
        with checked_onnx(self.folder, self.manifest, file) as model:
            return Session(model, model, device=self._device, threads=threads, rearrange=rearrange)

    def _image_outputs(self, batch: Pixels) -> Vectors:
        tower, session = self.manifest.image, self._image_session
        at_a_time = self._threads or (cores() if self._device == "cpu" else 1)
        pixels = batch.shape[1] * batch.shape[2]
        size = max(1, min(BATCH, PIXELS // pixels, ceil(len(batch) / at_a_time)))
        parts = [batch[at : at + size] for at in range(0, len(batch), size)]

        def embed(part: Pixels) -> Vectors:
            return session.run(tower.embeds, {tower.input: self.preprocessing.normalise(part)})

        if len(parts) < 2:
            return self._joined(map(embed, parts))
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(at_a_time) as pool:
            return self._joined(pool.map(embed, parts))

    def _joined(self, parts: Iterable[Vectors]) -> Vectors:
        vectors = [np.empty((0, self.dim), np.float32)]
        for part in parts:
            if part.ndim != 2 or part.shape[1] != self.dim or not np.isfinite(part).all():
                raise PackError(
                    f"{self.folder} gives vectors of shape {part.shape}, or not of numbers, where "
                    f"{self.dim} numbers each were promised; get the pack again"
                )
            vectors.append(part.astype(np.float32, copy=False))
        return np.concatenate(vectors)


def softmax(logits: Vectors) -> Vectors:
    """Probabilities from logits, over the last axis: the same shape, sums 1."""
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    shares: Vectors = powers / powers.sum(axis=-1, keepdims=True)
    return shares
