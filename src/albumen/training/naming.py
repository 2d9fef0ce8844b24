"""Naming: words fitted to what a trunk sees, while the trunk stays as it is.

After the towers have learned together, a linear head still tells classes apart that the texts
confuse. Zhai et al., "LiT: Zero-Shot Transfer with Locked-image text Tuning", CVPR 2022, lock the
trunk and train the text tower; here the projection learns too, and besides the contrastive loss the
question that people will ask is asked: which of these names is this picture's own?
Shapes: B pictures with a text each, C + E further texts (as `contrastive.Matches`), Q pictures that
are asked about, L names, F channels of the trunk.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from albumen.models.clip import CLIP
from albumen.models.resnet import Trunk
from albumen.training import processes
from albumen.training.contrastive import Sentences, matched_loss, read_by_length, sentence_loss
from albumen.training.data import OnProgress, Pixels, Rows
from albumen.training.loop import decayed_apart
from albumen.training.pictures import Augmentation, augmented
from albumen.whole_file import replacing

AT_ONCE = 128
SEEN = "seen.npy"
"""What the locked trunk made of the pictures, in the folder of the stage."""


@dataclass(frozen=True)
class Question:
    """Which of its set's names is a picture's own?

    features (Q, F) · names: ids (L, T) · allowed (Q, L) bool: the names of the picture's own set ·
    labels (Q,) int64: the place of its own name.
    """

    features: Tensor
    names: Tensor
    allowed: Tensor
    labels: Tensor


@dataclass(frozen=True)
class Naming:
    """features (B, F), the trunk's averages over places · texts and truth as in `Matches`.

    Of several processes each has its own pictures, texts and Q questions, and all names.
    """

    features: Tensor
    texts: Sentences
    truth: Tensor
    question: Question


def looked(
    trunk: Trunk,
    pictures: Pixels,
    rows: Rows,
    recipe: Augmentation,
    file: Path,
    on_progress: OnProgress,
) -> npt.NDArray[np.float16]:
    """The averages over places of a view of each row, (N, F); zeros for rows that are not asked of.

    pictures: (N, S, S, 3). What the trunk saw is kept in `file`, and not looked at again; the first
    of several processes looks for all.
    """
    with processes.first_alone():
        if not file.exists():
            found = _look(trunk, pictures, rows, recipe, on_progress)
            with replacing(file, durable=False) as out:
                np.save(out, found)
    kept: npt.NDArray[np.float16] = np.load(file, mmap_mode="r")
    return kept


def _look(
    trunk: Trunk, pictures: Pixels, rows: Rows, recipe: Augmentation, on_progress: OnProgress
) -> npt.NDArray[np.float16]:
    found = np.zeros((len(pictures), trunk.channels), np.float16)
    autocast = torch.is_autocast_enabled("cpu")

    def look(part: Rows) -> int:
        pixels = augmented(pictures, part, recipe, np.random.default_rng(int(part[0])))
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=autocast):
            found[part] = trunk(pixels).float().mean((2, 3)).half().numpy()
        return len(part)

    trunk.eval()
    done = 0
    with ThreadPoolExecutor(torch.get_num_interop_threads()) as threads:
        for count in threads.map(look, np.array_split(rows, len(rows) // AT_ONCE + 1)):
            done += count
            on_progress(done, len(rows))
    return found


class NamingTask:
    """The task: projection, text tower, temperature and the map to the sentence teacher's space."""

    def __init__(self, clip: CLIP, heads: nn.Module, sentence: nn.Linear, sentences: float) -> None:
        self.module = nn.ModuleDict({"clip": clip, "heads": heads, "sentence": sentence})
        self.clip, self.sentence, self.sentences = clip, sentence, sentences
        clip.image.trunk.requires_grad_(False)
        heads.requires_grad_(False)

    def groups(self) -> list[dict[str, Any]]:
        """All but the trunk."""
        learning = nn.ModuleList([self.clip.image.projection, self.clip.text, self.sentence])
        scale = {"params": [self.clip.log_scale], "speed": 1.0, "weight_decay": 0.0}
        return [*decayed_apart(learning), scale]

    def loss(self, batch: Naming) -> tuple[Tensor, dict[str, float]]:
        """The sum of contrastive, naming and sentence losses, and its parts."""
        pictures, asked = self.embed(batch.features), self.embed(batch.question.features)
        texts = read_by_length(self.clip.text, batch.texts.ids)
        names = read_by_length(self.clip.text, batch.question.names)
        scale, count = self.clip.scale, len(pictures)
        matched = matched_loss(scale, pictures, texts, batch.truth)
        answers = scale * (asked @ names.T).float()
        answers = answers.masked_fill(~batch.question.allowed, -torch.inf)
        named = F.cross_entropy(answers, batch.question.labels)
        wanted = torch.cat([batch.texts.embeds, batch.texts.embeds[:count]])
        meant = sentence_loss(self.sentence(torch.cat([texts, pictures])), wanted)
        right = (answers.argmax(1) == batch.question.labels).float().mean()
        loss = matched + named + self.sentences * meant
        parts = {"matched": matched, "named": named, "right": right, "meant": meant, "scale": scale}
        return loss, {name: part.item() for name, part in parts.items()}

    def embed(self, features: Tensor) -> Tensor:
        """The embeddings of pictures, (N, D), from the trunk's averages over places, (N, F)."""
        embeds: Tensor = self.clip.image.embed(features[:, :, None, None])[0]
        return embeds
