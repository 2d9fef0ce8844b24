"""Train the fingerprint that Albumen ships.

    python -m recipes.fingerprint.train --data DIR --out DIR [--steps N] [--threads N]

DIR is what `recipes.fingerprint.prepare` wrote. Stopped and started again, a run goes on where it
was.
"""

import argparse
from pathlib import Path

import numpy as np
import torch

from albumen.models.fingerprint import Fingerprint
from albumen.training.fingerprint import CopyDetection, CopyDetectionConfig, Views
from albumen.training.loop import LoopConfig, Run, fit


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
    fit(run, Views(pictures, rows, task.config), lambda progress: print(progress, flush=True))


if __name__ == "__main__":
    main()
