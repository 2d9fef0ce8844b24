"""A CLIP from captioned shards to report: what `albumen train clip` does."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer

from albumen.errors import UsageError
from albumen.evaluation.shards import Skip
from albumen.models.clip import CLIP, STARTER_CLIP, CLIPConfig
from albumen.models.resnet import RESNET18, RESNET34, STARTER
from albumen.packs import Pack
from albumen.training import captioned, checkpoint, processes, towers
from albumen.training.captioned import Captioned, CaptionedMaterial, Shown
from albumen.training.classifying import CONFIG, Told
from albumen.training.contrastive import ContrastiveWeights
from albumen.training.data import Rows
from albumen.training.distillation import DistillationWeights
from albumen.training.loop import LoopConfig
from albumen.training.pictures import whole
from albumen.training.towers import TowersConfig

IMAGES = {"starter": STARTER, "resnet18": RESNET18, "resnet34": RESNET34}
TOKENIZER = "tokenizer.json"


@dataclass(frozen=True)
class ClipRecipe:
    """How a CLIP is trained on captioned shards.

    `image`: one of `IMAGES`. `size`: side of the pictures in use; training begins with smaller
    ones. `steps`: of the contrastive stage; `see` and `read`: of the stages before it, which need a
    teacher. `texts`: further texts a step, for the teacher alone.
    """

    image: str = "starter"
    dim: int = 256
    text_width: int = 256
    text_layers: int = 3
    context: int = 32
    vocabulary: int = 8192
    size: int = 112
    steps: int = 4000
    see: int = 0
    read: int = 0
    batch: int = 256
    texts: int = 64
    learning_rate: float = 1.5e-3
    warmup: float = 0.05
    weight_decay: float = 0.05
    average: float = 0.998
    clip: float = 5.0
    accumulate: int = 1
    seed: int = 12

    @property
    def stored(self) -> int:
        """The side at which pictures are kept."""
        return round(self.size * 8 / 7)

    @property
    def sizes(self) -> tuple[tuple[float, int], ...]:
        """Until which share of a stage pictures have which side."""
        small, middle = (32 * round(part * self.size / 32) for part in (0.7, 0.85))
        return ((0.5, max(32, small)), (0.85, max(32, middle)), (1.1, self.size))

    def towers(self, vocabulary: int, precision: processes.Precision, taught: bool) -> TowersConfig:
        """Towers and stages."""
        text = replace(
            STARTER_CLIP.text,
            vocabulary=vocabulary,
            context=self.context,
            width=self.text_width,
            layers=self.text_layers,
            heads=max(1, self.text_width // 64),
        )

        def stage(steps: int, rate: float) -> LoopConfig | None:
            if not steps:
                return None
            return LoopConfig(
                steps,
                rate,
                warmup=max(1, round(self.warmup * steps)),
                weight_decay=self.weight_decay,
                average=self.average,
                clip=self.clip,
                log_every=max(1, min(25, steps // 20)),
                checkpoint_every=max(1, min(100, steps // 4)),
                accumulate=self.accumulate,
                precision=precision,
                evaluate_every=max(1, steps // 20),
            )

        match = stage(self.steps, self.learning_rate)
        assert match is not None
        sentences = 2.0 if taught else 0.0
        return TowersConfig(
            match,
            CLIPConfig(self.dim, IMAGES[self.image], text),
            stage(self.see, self.learning_rate),
            stage(self.read, self.learning_rate),
            ContrastiveWeights(sentences=sentences),
            DistillationWeights(answers=0.0),
            self.seed,
        )


def captions() -> ClipRecipe:
    """Thousands of captioned pictures: towers of the starter's size."""
    return ClipRecipe()


def taught() -> ClipRecipe:
    """The same with a teacher: first its eye, then its ear, then both."""
    return ClipRecipe(steps=3000, see=1500, read=500)


RECIPES: dict[str, Callable[[], ClipRecipe]] = {"captions": captions, "taught": taught}


def recipe(name: str, **changes: Any) -> ClipRecipe:
    """The recipe of that name, with some values of another kind. Raises `UsageError`."""
    if name not in RECIPES:
        raise UsageError(f"there is no recipe '{name}'; there are: {', '.join(RECIPES)}")
    made = replace(RECIPES[name](), **{k: v for k, v in changes.items() if v is not None})
    if made.image not in IMAGES:
        raise UsageError(f"no image tower is called {made.image}; there are {', '.join(IMAGES)}")
    if made.size % 16 or made.size < 32:
        raise UsageError(f"--size must be a multiple of 16, and 32 at least, not {made.size}")
    return made


@dataclass(frozen=True)
class Trained:
    """The towers, and what they say of the pictures that they were chosen by.

    likeness: (M, M), of some pictures (rows) with their own texts (columns).
    """

    clip: CLIP
    recipe: ClipRecipe
    tokenizer: Tokenizer
    figures: dict[str, float]
    captioned: Captioned
    judged: Rows
    texts: tuple[str, ...]
    likeness: np.ndarray
    skipped: tuple[Skip, ...]


def train(
    shards: Path,
    folder: Path,
    config: ClipRecipe,
    teacher: Pack | None,
    told: Told,
    sources: tuple[str, ...] = (),
) -> Trained:
    """Train, or go on, and judge the best towers. Raises `UsageError` and `TrainingError`."""
    if (config.see or config.read) and teacher is None:
        raise UsageError("the stages see and read need a teacher (--teacher PACK)")
    precision = processes.best_precision()
    processes.fabric(precision)
    several = processes.world() * config.accumulate
    if config.batch % several or config.texts % processes.world():
        raise UsageError(f"a batch of {config.batch} has no {several} equal parts")
    _agree(folder, shards, config, teacher, sources)
    cache = folder / "pictures"
    if processes.rank() > 0:
        processes.wait()  # until the first has decoded
    found = captioned.read(shards, config.stored, cache, sources, told.reading)
    rows, judged = captioned.split(found)
    asked = None if teacher is None else captioned.teach(teacher, found, cache, told.reading)
    tokenizer = _tokenizer(folder, found, rows, config)
    if processes.rank() == 0:
        processes.wait()
    loop = config.towers(tokenizer.get_vocab_size(), precision, teacher is not None)
    shown = Shown(
        config.batch // config.accumulate, config.texts, config.sizes, config.context, config.seed
    )
    material = CaptionedMaterial(found, rows, tokenizer, shown, asked)
    judge = captioned.judge_by(found, judged, material.tokens, config.size)

    def say(stage: str, progress: Any) -> None:
        told.training(progress)

    about = {"task": "clip", "recipe": asdict(config)}
    towers.train(material, loop, folder, say, judge=judge, about=about)
    processes.wait()
    clip = towers.trained(folder, loop)
    with torch.inference_mode():
        figures = {"train": len(rows), "test": len(judged)} | judge(clip)
    return _shown(clip, config, tokenizer, figures, found, judged, material)


def _shown(
    clip: CLIP,
    config: ClipRecipe,
    tokenizer: Tokenizer,
    figures: dict[str, float],
    found: Captioned,
    judged: Rows,
    material: CaptionedMaterial,
) -> Trained:
    some = judged[:: max(1, len(judged) // 12)][:12]
    texts = tuple(captioned.text_of(found, int(row)) for row in some)
    with torch.inference_mode():
        seen = clip.image(whole(found.pixels[some], config.size))[0]
        likeness = (seen @ clip.text(material.tokens(texts)).T).numpy()
    return Trained(clip, config, tokenizer, figures, found, judged, texts, likeness, found.skipped)


def _tokenizer(folder: Path, found: Captioned, rows: Rows, config: ClipRecipe) -> Tokenizer:
    file = folder / TOKENIZER
    if not file.exists():
        texts = [t for row in rows for t in (*found.captions[row], found.labels[row]) if t]
        captioned.train_tokenizer(texts, config.vocabulary).save(str(file))
    return Tokenizer.from_file(str(file))


def _agree(
    folder: Path, shards: Path, config: ClipRecipe, teacher: Pack | None, sources: tuple[str, ...]
) -> None:
    """A folder's run goes on only by what it was begun with."""
    said = {
        "shards": str(shards.absolute()),
        "sources": [*sources],
        "teacher": None if teacher is None else teacher.id,
        "recipe": json.loads(json.dumps(asdict(config))),
    }
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / CONFIG
    begun = any((folder / stage / checkpoint.LAST).exists() for stage in towers.STAGES)
    if file.exists() and begun and json.loads(file.read_text("utf-8")) != said:
        raise UsageError(
            f"{folder} holds a run with another recipe, teacher or data; choose another folder "
            "(--run), or remove it"
        )
    if processes.rank() == 0:
        file.write_text(json.dumps(said, indent=1) + "\n", "utf-8")
