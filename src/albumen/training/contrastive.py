"""Contrastive training of both towers, with their teachers still at hand.

The symmetric loss over a batch's N×N similarities is CLIP's (Radford et al., 2021), with two
changes that a small data set needs. A text may be true of several pictures of the batch ("an
animal"), so the targets are truths, not the diagonal. And what the towers learned from their
teachers goes on counting, or a few thousand phrases would make them forget what these do not say.
Shapes: B pictures with a text each, C texts that name what they might show, E further texts, T
tokens.
"""

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from albumen.models.clip import CLIP, TextTower, contrastive_loss
from albumen.training import processes
from albumen.training.distillation import DistillationWeights, Heads, Lesson, distillation_loss
from albumen.training.loop import decayed_apart
from albumen.training.parts import in_parts

PARTS = 2
"""Threads of a step, each with its part of the batch."""


@dataclass(frozen=True)
class Sentences:
    """ids (E, T) int64 · embeds (E, 384): what the sentence teacher makes of each text."""

    ids: Tensor
    embeds: Tensor


@dataclass(frozen=True)
class Matches:
    """Pictures, a text for each, and further texts.

    texts: B + C + E of them, the pictures' own first · truth (B, B + C) in 0..1: how true text j is
    of picture i, with 1 on the diagonal. Of several processes each has its own pictures and texts,
    and of `truth` its own rows: the columns are the pictures' texts of all processes, then the C of
    each.
    """

    lesson: Lesson
    texts: Sentences
    truth: Tensor


@dataclass(frozen=True)
class ContrastiveWeights:
    """How much each part counts; `speed` is the image trunk's share of the learning rate."""

    contrastive: float = 1.0
    distillation: float = 1.0
    sentences: float = 2.0
    speed: float = 1.0


def sentence_loss(found: Tensor, wanted: Tensor) -> Tensor:
    """1 - the mean cosine of what was found and what the sentence teacher says, both (N, 384)."""
    return 1 - F.cosine_similarity(found.float(), wanted).mean()


def matched_loss(scale: Tensor, pictures: Tensor, texts: Tensor, truth: Tensor) -> Tensor:
    """The contrastive loss of all processes' pictures and texts, as `Matches` has them.

    pictures (B, D) and texts (at least B + C, D), of length 1 · truth: this process's rows
    """
    count, compared = len(pictures), truth.shape[1] // processes.world()
    everywhere = processes.gathered
    against = torch.cat([everywhere(texts[:count]), everywhere(texts[count:compared])])
    logits = scale * (everywhere(pictures) @ against.T).float()
    return contrastive_loss(logits, everywhere(truth))


def read_by_length(text: TextTower, ids: Tensor) -> Tensor:
    """What `text` makes of ids (N, T), (N, D): texts of like length together, without padding.

    Exact: the mask is causal and a text is read at its end, so padding after it changes nothing.
    """
    length = (ids == text.end_id).to(torch.int64).argmax(1) + 1
    order = length.argsort(descending=True)  # the longest first: no thread is left with them
    parts = [ids[rows, : length[rows[0]]] for rows in order.chunk(2 * PARTS)]
    return torch.cat(in_parts(text, parts))[order.argsort()]


class SentenceDistillation:
    """The task that gives the text tower its first idea of meaning, from a sentence encoder."""

    def __init__(self, text: TextTower, head: nn.Linear) -> None:
        self.module = nn.ModuleDict({"text": text, "head": head})
        self.text, self.head = text, head

    def groups(self) -> list[dict[str, Any]]:
        """Matrices decay, scales and biases do not."""
        return decayed_apart(self.module)

    def loss(self, batch: Sentences) -> tuple[Tensor, dict[str, float]]:
        """How far the mapped embeddings are from the teacher's."""
        texts = read_by_length(self.text, batch.ids)
        return sentence_loss(self.head(texts), batch.embeds), {}


class Contrastive:
    """The task of the stage `match`: both towers, the temperature, and the heads of the teachers.

    `sentence` maps the shared space to the sentence teacher's: the same map for texts and for
    pictures, so a picture is drawn to words near in meaning to its own, used in training or not.
    """

    def __init__(
        self,
        clip: CLIP,
        heads: Heads,
        sentence: nn.Linear,
        weights: ContrastiveWeights,
        distillation: DistillationWeights,
        parts: int = PARTS,
    ) -> None:
        self.module = nn.ModuleDict({"clip": clip, "heads": heads, "sentence": sentence})
        self.clip, self.heads, self.sentence = clip, heads, sentence
        self.weights, self.distillation = weights, distillation
        # Several processes have a part each already, and normalise all of them together.
        self.parts = parts if processes.world() == 1 else 1

    def groups(self) -> list[dict[str, Any]]:
        """The image trunk, which has learned for long, moves at its own speed."""
        trunk = self.clip.image.trunk
        others = nn.ModuleList(
            [self.clip.image.projection, self.clip.text, self.heads, self.sentence]
        )
        scale = {"params": [self.clip.log_scale], "speed": 1.0, "weight_decay": 0.0}
        return [*decayed_apart(trunk, self.weights.speed), *decayed_apart(others), scale]

    def loss(self, batch: Matches) -> tuple[Tensor, dict[str, float]]:
        """The weighted sum of the contrastive, distillation and sentence losses, and its parts."""
        count = len(batch.lesson.pixels)
        features = torch.cat(in_parts(self.clip.image.trunk, batch.lesson.pixels.chunk(self.parts)))
        pictures, _ = self.clip.image.embed(features)
        texts = read_by_length(self.clip.text, batch.texts.ids)
        matched = matched_loss(self.clip.scale, pictures, texts, batch.truth)
        wanted = torch.cat([batch.texts.embeds, batch.texts.embeds[:count]])
        meant = sentence_loss(self.sentence(torch.cat([texts, pictures])), wanted)
        taught, parts = distillation_loss(
            features.mean((2, 3)), self.heads, batch.lesson, self.distillation
        )
        w = self.weights
        loss = w.contrastive * matched + w.sentences * meant + w.distillation * taught
        own = {"matched": matched.item(), "meant": meant.item(), "scale": self.clip.scale.item()}
        return loss, own | parts
