"""Train the fingerprint that Albumen ships.

    python -m recipes.fingerprint.train --data DIR --out DIR [--steps N] [--threads N]

DIR is what `recipes.fingerprint.prepare` wrote. One thread makes the views of the next batch while
the network learns from this one. Stopped and started again, the run goes on where it was.
"""

import argparse
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from albumen.models.fingerprint import Fingerprint
from albumen.training.fingerprint import CopyDetection, CopyDetectionConfig, Views
from albumen.training.loop import LoopConfig, Run, fit


class Ahead:
    """The batches of `views`, each begun while the one before is in use."""

    def __init__(self, views: Views) -> None:
        self.views = views
        self.worker = ThreadPoolExecutor(1)
        self.begun: tuple[int, Future[Tensor]] | None = None

    def __call__(self, step: int) -> Tensor:
        if self.begun is None or self.begun[0] != step:
            self.begun = step, self.worker.submit(self.views, step)
        batch = self.begun[1].result()
        self.begun = step + 1, self.worker.submit(self.views, step + 1)
        return batch


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--data", type=Path, required=True)
    arguments.add_argument("--out", type=Path, required=True)
    arguments.add_argument("--steps", type=int, default=800)
    arguments.add_argument("--threads", type=int, default=2)
    options = arguments.parse_args()

    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    pictures = np.load(options.data / "pictures.npy", mmap_mode="r")
    lines = (options.data / "keys.txt").read_text().splitlines()
    rows = np.flatnonzero([line.endswith("\ttrain") for line in lines])
    task = CopyDetection(Fingerprint(), CopyDetectionConfig())
    loop = LoopConfig(
        options.steps, learning_rate=2e-3, warmup=60, checkpoint_every=50, log_every=10
    )
    run = Run(task, loop, options.out)
    run.resume()
    fit(run, Ahead(Views(pictures, rows, task.config)), lambda line: print(line, flush=True))


if __name__ == "__main__":
    main()
