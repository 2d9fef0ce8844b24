"""A text for every picture of a batch, and how true each text is of each picture."""

import json
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from recipes.starter.concepts import Concepts, plain
from recipes.starter.lessons import Lessons
from tokenizers import Tokenizer
from torch import Tensor

from albumen.training.contrastive import Matches, Sentences
from albumen.training.pictures import Augmentation

CONTEXT = 32
# Most labels are bare names; a phrase has its article already, or tells what people do.
LABEL_TEMPLATES = (
    "{}",
    "a {}",
    "a photo of a {}",
    "a photo of a {}",
    "a picture of a {}",
    "a close-up photo of a {}",
    "a photo of the {}",
    "there is a {} in the picture",
)
PHRASE_TEMPLATES = ("{}", "a photo of {}", "a picture of {}", "there is {} in the picture")
PHRASE = re.compile(r"^(an?|the|people|something) |\w{2,}ing\b")
CAPTIONED = 0.8  # how often a picture that has captions is shown with one
LIKELY = 0.1  # a truth below this counts as none
GROUP_SHARE = 0.35  # how readily a wider word is drawn, against a label
OWN_SHARE = 2.0  # how readily the picture's own label is drawn, against the teacher's answer


@dataclass(frozen=True)
class BatchSize:
    """Pictures with a text each, concepts named beside them, and further texts of the pool."""

    pictures: int
    named: int
    further: int


def framed(phrase: str, random: np.random.Generator) -> str:
    """The phrase as people would use it of a picture."""
    templates = PHRASE_TEMPLATES if PHRASE.search(phrase) else LABEL_TEMPLATES
    return str(random.choice(templates)).format(phrase)


class TextPool:
    """Every text with its tokens and the sentence teacher's embedding."""

    def __init__(self, folder: Path, longest: int = CONTEXT) -> None:
        self.texts: list[str] = json.loads((folder / "texts.json").read_text())
        self.row = {text: i for i, text in enumerate(self.texts)}
        self.by_length = np.argsort([len(text) for text in self.texts], kind="stable")
        self.sentences = np.load(folder / "sentences.npy")
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.tokenizer.enable_truncation(longest)
        self.tokenizer.enable_padding(pad_id=0, pad_token="<pad>")

    def tokens(self, texts: list[str]) -> Tensor:
        return torch.tensor([e.ids for e in self.tokenizer.encode_batch(texts)])

    def embeds(self, rows: np.ndarray) -> Tensor:
        return torch.from_numpy(self.sentences[rows].astype(np.float32))

    def draw(self, count: int, random: np.random.Generator) -> np.ndarray:
        """Rows of texts about equally long, so that little of a batch is padding."""
        near = 4 * count
        first = random.integers(1 - near, len(self.texts))
        return self.by_length[random.integers(max(first, 0), first + near, count) % len(self.texts)]

    def batch(self, count: int, random: np.random.Generator) -> Sentences:
        """Some texts of the pool, as they are."""
        rows = self.draw(count, random)
        return Sentences(self.tokens([self.texts[r] for r in rows]), self.embeds(rows))


@dataclass(frozen=True)
class Told:
    """Who tells what a picture shows."""

    captions: bool = True
    labels: bool = True
    teacher: bool = True


class Matcher:
    """Draws pictures with texts: captions, labels, the teacher's answers, wider words."""

    def __init__(
        self, folder: Path, lessons: Lessons, pool: TextPool, told: Told | None = None
    ) -> None:
        self.told = told or Told()
        classes = json.loads((folder / "classes.json").read_text())
        self.lessons, self.pool = lessons, pool
        self.concepts = Concepts(classes, lessons.described)

    def truths(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """How true each concept is of each picture, (B, C), and whether its own label says so."""
        lessons, concepts = self.lessons, self.concepts
        answers = lessons.answer_of[rows]
        logits = lessons.logits[answers].astype(np.float32)
        likely = np.exp(logits - logits.max(1, keepdims=True))
        likely /= likely.sum(1, keepdims=True)
        asked = (answers >= 0) & self.told.teacher
        told = likely @ concepts.of_class.astype(np.float32) * asked[:, None]
        own = np.zeros_like(told, dtype=bool)
        for i, row in enumerate(rows):
            about = lessons.described[row]
            if about.label and self.told.labels:
                own[i] = concepts.of_label[about.source, about.label]
        truth = np.maximum(told, own)
        return np.where(truth < LIKELY, 0, truth), own

    def batch(self, size: BatchSize, recipe: Augmentation, random: np.random.Generator) -> Matches:
        """Pictures with texts, for both towers to learn from."""
        rows = self.lessons.draw(size.pictures, random)
        texts, truth = self.texts(rows, size, random)
        return Matches(self.lessons.lesson(rows, recipe, random), texts, truth)

    def texts(
        self, rows: np.ndarray, size: BatchSize, random: np.random.Generator
    ) -> tuple[Sentences, Tensor]:
        """A text for each of the rows, named concepts, further texts; and what is true of what."""
        truth, own = self.truths(rows)
        texts, in_pool, concept = self._texts(rows, truth, own, random)
        said = truth[:, concept] * (concept >= 0)  # a caption is true of its own picture only
        np.fill_diagonal(said, 1)
        named = random.choice(truth.shape[1], size.named, replace=False)
        more = self.pool.draw(size.further, random)
        phrases = [str(random.choice(self.concepts.phrases[c])) for c in named]
        texts += [framed(phrase, random) for phrase in phrases]
        tokens = self.pool.tokens(texts + [self.pool.texts[r] for r in more])
        known = [self.pool.row[phrase] for phrase in phrases]
        sentences = Sentences(tokens, self.pool.embeds(np.concatenate([in_pool, known, more])))
        said = np.concatenate([said, truth[:, named]], axis=1)
        return sentences, torch.from_numpy(said.astype(np.float32))

    def _texts(
        self, rows: np.ndarray, truth: np.ndarray, own: np.ndarray, random: np.random.Generator
    ) -> tuple[list[str], np.ndarray, np.ndarray]:
        """For each picture a text, the pool's row of its phrase, and its concept or -1."""
        concepts = self.concepts
        weight = truth * np.where(concepts.is_group, GROUP_SHARE, 1) * np.where(own, OWN_SHARE, 1)
        chance = np.log(weight.clip(1e-12)) + random.gumbel(size=weight.shape)
        concept, texts, in_pool = chance.argmax(1), [], []
        for i, row in enumerate(rows):
            captions = self.lessons.described[row].captions if self.told.captions else ()
            if captions and (random.random() < CAPTIONED or not weight[i].any()):
                phrase, concept[i] = plain(str(random.choice(captions))), -1
                texts.append(phrase)
            else:
                c = concept[i]
                phrase = str(random.choice(concepts.phrases[c]))
                texts.append(framed(phrase, random))
            in_pool.append(self.pool.row[phrase])
        return texts, np.array(in_pool), concept
