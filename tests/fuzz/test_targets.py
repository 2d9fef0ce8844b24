"""Every target of `make fuzz` for a moment, from one seed; and a coverage-guided run where it can.

The mutations here are the usual ones: bits, bytes, numbers at their ends, pieces cut, doubled and
taken from other seeds.
"""

import random
import subprocess
import sys
from importlib.util import find_spec

import pytest
from fuzz.targets import TARGETS, Target

RUNS = 150
NUMBERS = [b"\0", b"\xff", b"\x7f", b"\x80", b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff"]


def mutated(seeds: list[bytes], chance: random.Random) -> bytes:
    data = bytearray(chance.choice(seeds))
    for _ in range(chance.choice((1, 1, 2, 4, 8))):
        at = chance.randrange(len(data) + 1)
        to = min(len(data), at + chance.choice((1, 4, 16, 200)))
        match chance.randrange(6):
            case 0 if data:
                data[at % len(data)] ^= 1 << chance.randrange(8)
            case 1:
                number = chance.choice(NUMBERS)
                data[at : at + len(number)] = number
            case 2:
                del data[at:to]
            case 3:
                data[at:at] = data[at:to] * chance.choice((1, 2, 50))
            case 4:
                other = chance.choice(seeds)
                begin = chance.randrange(len(other) + 1)
                data[at:to] = other[begin : begin + chance.choice((4, 16, 200))]
            case _:
                data[at:to] = chance.randbytes(to - at)
    return bytes(data)


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow's, which the program silences too
@pytest.mark.parametrize("target", TARGETS.values(), ids=lambda target: target.name)
def test_a_parser_keeps_its_promise_whatever_the_bytes(target: Target) -> None:
    chance, seeds = random.Random(target.name), list(target.seeds())
    assert seeds
    for seed in seeds:
        target.run(seed)
    for _ in range(RUNS):
        target.run(mutated(seeds, chance))


def test_a_parser_that_broke_its_promise_would_be_noticed() -> None:
    def run(data: bytes) -> None:
        assert data[:2] != b"\0\0"

    chance = random.Random(0)
    inputs = [mutated([b"a seed"], chance) for _ in range(10 * RUNS)]
    with pytest.raises(AssertionError):
        list(map(run, inputs))


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.skipif(find_spec("atheris") is None, reason="atheris is not installed")
def test_guided_by_coverage_nothing_breaks_either(tmp_path) -> None:
    command = [sys.executable, "-m", "fuzz", "--seconds", "20"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
