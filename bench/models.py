"""How fast our models are, beside transformers' own with the same weights, and what helps.

    python -m bench.models [--rounds 5] [--batch 4] [--threads 2] [--write docs/models.md]

Both models take turns within each round, so that what else the machine does falls on both alike; a
ratio is the median over rounds of their time by ours: above 1.0 ours is faster. `peak`: what share
of the machine's own matrix product, measured here, the forward pass reaches in float32.
"""

import argparse
import copy
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import bench._references  # noqa: F401  # before transformers
import torch
import torch.nn.functional as F
import transformers
from bench._page import put
from torch import Tensor, nn

from albumen import checkpoints
from albumen.models import variants
from albumen.models.clip import CLIP, contrastive_loss
from albumen.models.describe import describe
from albumen.packs.quantize import quantize
from albumen.packs.runtime import Session, cores
from albumen.training.export import export_classifier, export_image

Step = Callable[[], object]
END_OF_TEXT = 49407
SIDE = 2048
PRODUCT = SIDE**3


@dataclass(frozen=True)
class Pair:
    """The same weights in their module and in ours, and what both are fed with."""

    name: str
    theirs: nn.Module
    ours: nn.Module
    pixels: Tensor
    ids: Tensor | None

    def outputs(self, model: nn.Module) -> Tensor:
        """Logits (B, classes), or (B, B) of a CLIP, in float32."""
        if self.ids is None:
            given = model(self.pixels)
        elif model is self.theirs:
            given = model(input_ids=self.ids, pixel_values=self.pixels).logits_per_image
        else:
            given = model(self.pixels, self.ids)
        logits: Tensor = given if isinstance(given, Tensor) else given.logits
        return logits.float()

    def forward(self, model: nn.Module) -> Step:
        def step() -> None:
            with torch.inference_mode():
                self.outputs(model.eval())

        return step

    def training(self, model: nn.Module) -> Step:
        """Forward, backward and a step of SGD, which changes next to nothing."""
        optimizer = torch.optim.SGD(model.parameters(), lr=1e-9)
        truth = torch.arange(len(self.pixels))

        def step() -> None:
            logits = self.outputs(model.train())
            loss = F.cross_entropy(logits, truth) if self.ids is None else contrastive_loss(logits)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

        return step


def pairs(batch: int, names: Iterable[str]) -> Iterable[Pair]:
    build: dict[str, Callable[[], nn.Module]] = {
        "resnet50": lambda: transformers.ResNetForImageClassification(
            transformers.ResNetConfig(num_labels=1000)
        ),
        "vit-b16": lambda: transformers.ViTForImageClassification(
            transformers.ViTConfig(num_labels=1000)
        ),
        "clip-b32": lambda: transformers.CLIPModel(transformers.CLIPConfig()),
    }
    torch.manual_seed(0)
    for name in names:
        theirs = build[name]()
        with tempfile.TemporaryDirectory() as folder:
            theirs.save_pretrained(folder)
            ours, _ = checkpoints.load(folder)
        variant = variants.find(name)
        pixels = torch.randn(batch, 3, variant.side, variant.side)
        ids = None
        if variant.context is not None:
            ids = torch.randint(1, END_OF_TEXT, (batch, variant.context))
            ids[:, -1] = END_OF_TEXT
        pair = Pair(name, theirs, ours.requires_grad_(True), pixels, ids)
        with torch.inference_mode():
            torch.testing.assert_close(
                pair.outputs(pair.ours), pair.outputs(pair.theirs.eval()), rtol=1e-3, atol=1e-3
            )
        yield pair


def interleaved(steps: dict[str, Step], rounds: int) -> dict[str, list[float]]:
    """Seconds of each step in each round, the steps taking turns; one round to warm up first.

    With one thread they are of processor time, in which a busy machine counts little.
    """
    clock = time.process_time if torch.get_num_threads() == 1 else time.perf_counter
    taken: dict[str, list[float]] = {name: [] for name in steps}
    for i in range(rounds + 1):
        for name, step in steps.items():
            begun = clock()
            step()
            if i:
                taken[name].append(clock() - begun)
    return taken


def ratio(slower: list[float], faster: list[float]) -> float:
    return statistics.median(a / b for a, b in zip(slower, faster, strict=True))


def matrix_product(dtype: torch.dtype) -> Step:
    """A product of 2048 × 2048 matrices, `PRODUCT` multiply-adds."""
    a, b = torch.randn(2, SIDE, SIDE).to(dtype)
    return lambda: a @ b


def eager(pair: Pair, rounds: int) -> tuple[list[str], float]:
    """Rows for forward and training step, theirs and ours; multiply-adds a second at the peak.

    The peak is measured in the same rounds, so that the machine's moods fall on it too.
    """
    variant = variants.find(pair.name)
    with torch.device("meta"):
        layers = describe(variant.build(), *variant.inputs())
    work = len(pair.pixels) * sum(layer.multiply_adds for layer in layers)
    rows, peaks = [], []
    for kind, of in (("forward", pair.forward), ("training step", pair.training)):
        steps = {"theirs": of(pair.theirs), "ours": of(pair.ours)}
        taken = interleaved(steps | {"product": matrix_product(torch.float32)}, rounds)
        theirs, ours = (statistics.median(taken[name]) for name in ("theirs", "ours"))
        peaks.append(PRODUCT / min(taken["product"]))
        share = f"{work / min(taken['ours']) / peaks[-1]:.0%}" if kind == "forward" else ""
        rows.append(
            f"| {pair.name} | {kind} | {1000 * theirs:.0f} ms | {1000 * ours:.0f} ms "
            f"| {ratio(taken['theirs'], taken['ours']):.2f} | {share} |"
        )
    return rows, max(peaks)


def helped(pair: Pair, rounds: int) -> str:
    """A row: how many times as fast our forward pass is with each help as without."""
    plain = pair.forward(pair.ours)
    compiled = pair.forward(torch.compile(pair.ours))
    last = replace(
        pair,
        ours=copy.deepcopy(pair.ours).to(memory_format=torch.channels_last),
        pixels=pair.pixels.contiguous(memory_format=torch.channels_last),
    )
    helps = (last.forward(last.ours), in_bf16(plain), compiled, in_bf16(compiled))
    gains = (times(plain, step, rounds) for step in helps)
    return f"| {pair.name} | " + " | ".join(gains) + " |"


def in_bf16(step: Step) -> Step:
    """The same step under autocast, which keeps weights in float32."""

    def run() -> None:
        with torch.autocast("cpu", torch.bfloat16):
            step()

    return run


def times(plain: Step, helped: Step, rounds: int) -> str:
    """How many times as fast, or a dash where this machine cannot (no compiler, say)."""
    try:
        helped()
    except Exception as error:  # whatever a compiler may say
        print(
            f"not measured: {type(error).__name__}: {str(error).splitlines()[0]}", file=sys.stderr
        )
        return "–"
    taken = interleaved({"plain": plain, "helped": helped}, rounds)
    return f"{ratio(taken['plain'], taken['helped']):.2f}"


def sessions(pair: Pair, rounds: int, folder: Path) -> str:
    """A row: the same forward pass (of a CLIP its image tower's) as PyTorch, fp32 and int8 ONNX."""
    full, small = folder / f"{pair.name}.onnx", folder / f"{pair.name}-int8.onnx"
    side, clip = variants.find(pair.name).side, isinstance(pair.ours, CLIP)
    if isinstance(pair.ours, CLIP):
        export_image(pair.ours, side, full, half=False)
    else:
        export_classifier(pair.ours, side, full, half=False)
    quantize(full, small, pair.pixels.numpy())
    tower = pair.ours.image if isinstance(pair.ours, CLIP) else pair.ours

    def of(file: Path) -> Step:
        session = Session(file.read_bytes(), file, device="cpu", threads=torch.get_num_threads())
        inputs = {"pixels": pair.pixels.numpy()}
        return lambda: session.run("embeds" if clip else "logits", inputs)

    def torchs() -> None:
        with torch.inference_mode():
            tower(pair.pixels)

    taken = interleaved({"torch": torchs, "fp32": of(full), "int8": of(small)}, rounds)
    columns = (f"{1000 * statistics.median(seconds):.0f} ms" for seconds in taken.values())
    size = small.stat().st_size / full.stat().st_size
    return f"| {pair.name} | " + " | ".join(columns) + f" | {size:.2f} |"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--threads", type=int, default=cores())
    parser.add_argument("--models", nargs="+", default=["resnet50", "vit-b16", "clip-b32"])
    parser.add_argument("--write", type=Path, help="put the tables into this page, at their mark")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    half = PRODUCT / min(interleaved({"": matrix_product(torch.bfloat16)}, args.rounds)[""])
    peaks, speeds, gains, exported = [], [], [], []
    with tempfile.TemporaryDirectory() as folder:
        for pair in pairs(args.batch, args.models):
            rows, peak = eager(pair, args.rounds)
            peaks.append(peak)
            speeds += rows
            print("\n".join(rows), flush=True)
            gains.append(helped(pair, args.rounds))
            print(gains[-1], flush=True)
            exported.append(sessions(pair, args.rounds, Path(folder)))
            print(exported[-1], flush=True)
    report = REPORT.format(
        batch=args.batch,
        threads=torch.get_num_threads(),
        rounds=args.rounds,
        versions=f"PyTorch {torch.__version__.partition('+')[0]}, "
        f"transformers {transformers.__version__}",
        peak=max(peaks) / 1e9,
        half=half / 1e9,
        speeds="\n".join(speeds),
        gains="\n".join(gains),
        exported="\n".join(exported),
    )
    if args.write:
        put(args.write, "bench.models", report)
    return 0


REPORT = """
{batch} pictures at once (for CLIP as many texts), {threads} thread(s), medians of {rounds} rounds;
{versions}. A matrix product reaches {peak:.0f} billion multiply-adds a second here in
float32, {half:.0f} in bfloat16.

| model | step | transformers | ours | ratio | share of the peak |
|---|---|---|---|---|---|
{speeds}

How many times as fast our forward pass becomes:

| model | channels-last | bf16 autocast | `torch.compile` | compiled, bf16 |
|---|---|---|---|---|
{gains}

As a pack runs it (of CLIP the image tower), beside our module:

| model | PyTorch | ONNX Runtime, fp32 | int8 | size of int8 |
|---|---|---|---|---|
{exported}
"""


if __name__ == "__main__":
    sys.exit(main())
