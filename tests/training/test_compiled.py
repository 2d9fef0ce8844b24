"""A compiled network learns what the same network learns, and goes on bit for bit."""

from pathlib import Path

import numpy as np
import pytest
import torch

from albumen.errors import UsageError
from albumen.training import checkpoint, log, loop, processes, recipes
from albumen.training.classifier import Batches, Classification
from albumen.training.loop import LoopConfig, Run, compiled, fit
from albumen.training.pictures import Augmentation

STEPS = 8


def train(folder: Path, pictures: np.ndarray, until: int, *, compiling: bool) -> Run:
    torch.manual_seed(0)
    network = recipes.network("convnet-8-16", 4, 32)
    if compiling:
        compiled(network)
    rows = np.arange(16)
    batches = Batches(pictures, rows // 4, rows, 8, Augmentation(32, (64, 48)))
    config = LoopConfig(STEPS, 0.01, warmup=2, log_every=1, until=until, precision="32-true")
    run = Run(Classification(network), config, folder)
    run.resume()
    fit(run, batches, lambda progress: None)
    return run


@pytest.mark.long
def test_it_learns_as_without_and_goes_on_bit_for_bit(pictures: np.ndarray, tmp_path: Path) -> None:
    plain = train(tmp_path / "plain", pictures, STEPS, compiling=False)
    whole = train(tmp_path / "whole", pictures, STEPS, compiling=True)
    train(tmp_path / "parts", pictures, 3, compiling=True)
    torch.compiler.reset()  # as in a new process
    train(tmp_path / "parts", pictures, STEPS, compiling=True)
    curves = [log.read(tmp_path / name / "log.csv") for name in ("plain", "whole", "parts")]
    eager, once, twice = ([row["loss"] for row in curve] for curve in curves)
    assert once == twice
    assert once == pytest.approx(eager, rel=1e-3)
    names = [list(run.task.module.state_dict()) for run in (plain, whole)]
    assert names[0] == names[1]
    saved, _ = checkpoint.read(tmp_path / "whole" / checkpoint.LAST)
    assert not [name for name in saved if "_orig_mod" in name]


def test_what_cannot_be_compiled_is_told_of_first(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(processes, "world", lambda: 2)
        with pytest.raises(UsageError, match="leave out --processes"):
            compiled(torch.nn.Linear(1, 1))
    monkeypatch.setattr(loop.shutil, "which", lambda name: None)
    with pytest.raises(UsageError, match="needs a C\\+\\+ compiler"):
        compiled(torch.nn.Linear(1, 1))
