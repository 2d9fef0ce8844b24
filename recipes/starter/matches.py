"""A text for every picture of a batch, and how true each text is of each picture."""

import json
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
# A label is a bare name; a group's phrase has its article already, and is framed as such.
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
GROUP_TEMPLATES = ("{}", "a photo of {}", "a picture of {}", "there is {} in the picture")
CAPTIONED = 0.8  # how often a picture that has captions is shown with one
LIKELY = 0.1  # a truth below this counts as none
GROUP_SHARE = 0.35  # how readily a wider word is drawn, against a label
OWN_SHARE = 2.0  # how readily the picture's own label is drawn, against the teacher's answer


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


class Matcher:
    """Draws pictures with texts: captions, labels, the teacher's answers, wider words."""

    def __init__(self, folder: Path, lessons: Lessons, pool: TextPool) -> None:
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
        told = likely @ concepts.of_class.astype(np.float32) * (answers >= 0)[:, None]
        own = np.zeros_like(told, dtype=bool)
        for i, row in enumerate(rows):
            about = lessons.described[row]
            if about.label:
                own[i] = concepts.of_label[about.source, about.label]
        truth = np.maximum(told, own)
        return np.where(truth < LIKELY, 0, truth), own

    def batch(
        self, count: int, further: int, recipe: Augmentation, random: np.random.Generator
    ) -> Matches:
        rows = self.lessons.draw(count, random)
        truth, own = self.truths(rows)
        texts, in_pool, concept = self._texts(rows, truth, own, random)
        said = truth[:, concept] * (concept >= 0)  # a caption is true of its own picture only
        np.fill_diagonal(said, 1)
        more = self.pool.draw(further, random)
        tokens = self.pool.tokens(texts + [self.pool.texts[r] for r in more])
        sentences = Sentences(tokens, self.pool.embeds(np.concatenate([in_pool, more])))
        lesson = self.lessons.lesson(rows, recipe, random)
        return Matches(lesson, sentences, torch.from_numpy(said.astype(np.float32)))

    def _texts(
        self, rows: np.ndarray, truth: np.ndarray, own: np.ndarray, random: np.random.Generator
    ) -> tuple[list[str], np.ndarray, np.ndarray]:
        """For each picture a text, the pool's row of its phrase, and its concept or -1."""
        concepts = self.concepts
        weight = truth * np.where(concepts.is_group, GROUP_SHARE, 1) * np.where(own, OWN_SHARE, 1)
        chance = np.log(weight.clip(1e-12)) + random.gumbel(size=weight.shape)
        concept, texts, in_pool = chance.argmax(1), [], []
        for i, row in enumerate(rows):
            captions = self.lessons.described[row].captions
            if captions and (random.random() < CAPTIONED or not weight[i].any()):
                phrase, concept[i] = plain(str(random.choice(captions))), -1
                texts.append(phrase)
            else:
                c = concept[i]
                phrase = str(random.choice(concepts.phrases[c]))
                templates = GROUP_TEMPLATES if concepts.is_group[c] else LABEL_TEMPLATES
                texts.append(str(random.choice(templates)).format(phrase))
            in_pool.append(self.pool.row[phrase])
        return texts, np.array(in_pool), concept
