"""A CLIP from captioned shards to report: what `albumen train clip` does."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from tokenizers import Tokenizer

from albumen.errors import UsageError
from albumen.models.clip import CLIP, STARTER_CLIP, CLIPConfig
from albumen.models.resnet import RESNET18, RESNET34, STARTER
from albumen.packs import Pack
from albumen.training import captioned, checkpoint, processes, towers
from albumen.training.agreement import agree
from albumen.training.captioned import Captioned, CaptionedMaterial, Shown
from albumen.training.contrastive import ContrastiveWeights
from albumen.training.data import Rows
from albumen.training.distillation import DistillationWeights
from albumen.training.loop import LoopConfig
from albumen.training.pictures import whole
from albumen.training.told import Told
from albumen.training.towers import Held, Plan, TowersConfig

IMAGES = {"starter": STARTER, "resnet18": RESNET18, "resnet34": RESNET34}
TOKENIZER = "tokenizer.json"
STEPS = {"see": "see", "read": "read", "steps": "match", "name": "name"}
"""What says how long a stage is, and the stage."""
AT_ONCE = 64


@dataclass(frozen=True)
class ClipRecipe:
    """How a CLIP is trained on captioned shards.

    `image`: one of `IMAGES`. `size`: side of the pictures in use; training begins with smaller
    ones. `steps`: of the contrastive stage; `see` and `read`: of the stages before it, which need a
    teacher; `name`: of the one after it, which needs labels. `texts`: further texts a step, for the
    teacher alone.
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
    name: int = 0
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
            stage(self.name, self.learning_rate / 2),
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


def recipe(name: str, /, **changes: Any) -> ClipRecipe:
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
    """The towers, what they were made by, and how good they are by the pictures that were held."""

    clip: CLIP
    plan: Plan
    title: str
    figures: dict[str, float]

    @torch.inference_mode()
    def likeness(self, held: Held) -> npt.NDArray[np.float32]:
        """How like each picture (row) is to each text (column)."""
        read = captioned.reader(self.plan.tokenizer, self.plan.config.clip.text.context)
        seen = self.clip.image(whole(held.pixels, self.plan.size))[0]
        found: npt.NDArray[np.float32] = (seen @ self.clip.text(read(held.texts)).T).numpy()
        return found


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
    said = {
        "shards": str(shards.absolute()),
        "sources": [*sources],
        "teacher": None if teacher is None else teacher.id,
        "recipe": asdict(config),
    }
    _agree(folder, said)
    cache = folder / "pictures"
    with processes.first_alone():
        found = captioned.read(shards, config.stored, cache, sources, told.reading)
        rows, judged = captioned.split(found)
        asked = None if teacher is None else captioned.teach(teacher, found, cache, told.reading)
        tokenizer = _tokenizer(folder, found, rows, config)
    shown = Shown(
        config.batch // config.accumulate, config.texts, config.sizes, config.context, config.seed
    )
    plan = Plan(
        CaptionedMaterial(found, rows, tokenizer, shown, asked),
        config.towers(tokenizer.get_vocab_size(), precision, teacher is not None),
        tokenizer,
        config.size,
        Held(found.pixels[judged], tuple(captioned.text_of(found, int(row)) for row in judged)),
        len(rows),
        skipped=found.skipped,
    )
    about = {"task": "clip", "recipe": asdict(config)}
    return _carried_out(plan, f"CLIP of {config.image}", folder, about, told)


def by_recipe(
    name: str, data: Path, folder: Path, steps: Mapping[str, int | None], told: Told
) -> Trained:
    """The same by a recipe of one's own, MODULE:FUNCTION; only numbers of steps can be changed."""
    processes.fabric(processes.best_precision())
    plan = towers.plan(name, data)
    config = towers.with_steps(plan.config, **{STEPS[of]: count for of, count in steps.items()})
    said = {"name": name} | {of: _steps(config, stage) for of, stage in STEPS.items()}
    _agree(folder, {"data": str(data.absolute()), "recipe": said})
    about = {"task": "clip", "recipe": said}
    plan = replace(plan, config=config)
    return _carried_out(plan, f"CLIP of {name}", folder, about, told)


def _steps(config: TowersConfig, stage: str) -> int:
    loop: LoopConfig | None = getattr(config, stage)
    return loop.steps if loop else 0


def _carried_out(
    plan: Plan, title: str, folder: Path, about: dict[str, Any], told: Told
) -> Trained:
    judge = judging(plan)
    towers.train(
        plan.material, plan.config, folder, told, begin=plan.begin, judge=judge, about=about
    )
    processes.wait()
    clip = towers.trained(folder, plan.config)
    with torch.inference_mode():
        figures = {"train": plan.pictures, "test": len(plan.held.texts)} | judge(clip)
    return Trained(clip, plan, title, figures)


def judging(plan: Plan) -> Callable[[CLIP], dict[str, float]]:
    """Text to image among what is held: how often its text finds a picture first, or in the first
    ten.
    """
    pixels, texts = plan.held.pixels, plan.held.texts
    ids = captioned.reader(plan.tokenizer, plan.config.clip.text.context)(texts)

    def judge(clip: CLIP) -> dict[str, float]:
        parts = np.array_split(pixels, max(1, len(pixels) // AT_ONCE))
        seen = torch.cat([clip.image(whole(part, plan.size))[0] for part in parts])
        read = torch.cat([clip.text(part) for part in torch.split(ids, AT_ONCE)])
        scores = read @ seen.T
        own = scores.diagonal()[:, None]
        rank = (scores > own).sum(1) + ((scores == own).sum(1) - 1) / 2
        found = {f"recall@{k}": (rank < k).float().mean().item() for k in (10, 1)}
        return found | {"rank": rank.float().median().item() + 1}

    return judge


def _tokenizer(folder: Path, found: Captioned, rows: Rows, config: ClipRecipe) -> Tokenizer:
    file = folder / TOKENIZER
    if not file.exists():
        texts = [t for row in rows for t in (*found.captions[row], found.labels[row]) if t]
        captioned.train_tokenizer(texts, config.vocabulary).save(str(file))
    return Tokenizer.from_file(str(file))


def _agree(folder: Path, said: dict[str, Any]) -> None:
    """As `agree`; how long a stage shall be is free until it has begun."""
    begun = {stage for stage in towers.STAGES if (folder / stage / checkpoint.LAST).exists()}
    free = tuple(of for of, stage in STEPS.items() if stage not in begun)
    agree(folder, said, bool(begun), free)
