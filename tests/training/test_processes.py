"""Several processes train what one would have trained; one that is lost is told of."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.training import two_processes

from albumen.training import checkpoint, log

SCRIPT = Path(two_processes.__file__)
SRC = Path(checkpoint.__file__).parents[2]


def start(
    folder: Path, steps: int, world: int, stage: str = "match"
) -> list[subprocess.Popen[str]]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    started = []
    for rank in range(world):
        environment = os.environ | {
            "PYTHONPATH": str(SRC), "WORLD_SIZE": str(world), "LOCAL_RANK": str(rank),
            "RANK": str(rank), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port),
        }  # fmt: skip
        command = [sys.executable, str(SCRIPT), str(folder), str(steps), stage]
        started.append(
            subprocess.Popen(
                command,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
        )
    return started


@pytest.mark.parametrize("stage", ["match", "name"])
def test_two_processes_have_the_losses_of_one_with_the_same_batch(
    tmp_path: Path, stage: str
) -> None:
    started = start(tmp_path / "2", 6, 2, stage)
    two_processes.train(tmp_path / "1", 6, stage)
    for process in started:
        out, _ = process.communicate(timeout=500)
        assert process.returncode == 0, out
    one, two = (log.read(tmp_path / str(world) / "log.csv") for world in (1, 2))
    assert len(one) == len(two) == 6
    assert one[-1]["loss"] < one[0]["loss"]
    for alone, together in zip(one, two, strict=True):
        # In float32 sums have another order, and what is left of that grows from step to step.
        assert together["loss"] == pytest.approx(alone["loss"], rel=3e-5)
        for name in alone.keys() - {"seconds"}:
            assert together[name] == pytest.approx(alone[name], rel=5e-4), name
    weights = [checkpoint.trained(tmp_path / str(world)) for world in (1, 2)]
    for name, value in weights[0].items():
        assert (value.float() - weights[1][name].float()).abs().max() < 1e-3, name


def test_a_lost_process_is_told_of_and_the_run_goes_on_from_its_checkpoint(tmp_path: Path) -> None:
    first, second = start(tmp_path, 1000, 2)
    limit = time.monotonic() + 400
    while not (tmp_path / checkpoint.LAST).exists():
        assert time.monotonic() < limit
        assert first.poll() is None, first.stdout.read()
        time.sleep(0.1)
    second.send_signal(signal.SIGKILL)
    out, _ = first.communicate(timeout=150)
    second.communicate()
    assert first.returncode == 3, out
    told = out.splitlines()[-1]
    assert told.startswith("ended: another process of this run ended")
    assert "the same command goes on from the last checkpoint" in told
    assert checkpoint.read_state(tmp_path / checkpoint.LAST).about["step"] >= 2
