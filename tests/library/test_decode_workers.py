"""Workers: what goes wrong in one costs one file, and none outlives its parent."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from tests.library import pictures

from albumen.library.decode import DecodedPixels, DecodeError, DecodeWorkers, decode

GIF = pictures.encoded(pictures.quadrants(), "GIF")


def running(workers: DecodeWorkers) -> list[int]:
    """The process ids of the workers that live."""
    return [worker.pid for worker in workers._all if worker.alive]


def gone(pid: int, seconds: float = 10) -> bool:
    """Whether the process ends within that time (a zombie has ended)."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except (FileNotFoundError, ProcessLookupError):
            return True
        time.sleep(0.05)
    return False


def hang(workers: DecodeWorkers, timeout: float) -> int:
    """Start the one worker, then make it hang and impatience set in: it costs no waiting."""
    decode(GIF, short_side=32, workers=workers)
    (worker,) = workers._all
    worker._timeout = timeout
    os.kill(worker.pid, signal.SIGSTOP)
    return worker.pid


def resident(pid: int) -> int:
    """Bytes of memory that the process holds."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def in_thread(data: bytes, workers: DecodeWorkers) -> tuple[threading.Thread, list[object]]:
    """Start decoding in a thread; its outcome (pixels or DecodeError) is appended to the list."""
    outcome: list[object] = []

    def run() -> None:
        try:
            outcome.append(decode(data, short_side=32, workers=workers))
        except DecodeError as error:
            outcome.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    return thread, outcome


def test_workers_start_when_first_needed_and_are_kept() -> None:
    with DecodeWorkers(2) as workers:
        decode(pictures.encoded(pictures.quadrants(), "JPEG"), short_side=32, workers=workers)
        assert running(workers) == []
        decode(GIF, short_side=32, workers=workers)
        first = running(workers)
        decode(GIF, short_side=32, workers=workers)
        assert running(workers) == first
        assert len(first) == 1
    assert gone(first[0], 0.1)


def test_many_threads_share_few_workers() -> None:
    with DecodeWorkers(2) as workers:
        threads = [in_thread(GIF, workers) for _ in range(12)]
        for thread, _ in threads:
            thread.join()
        assert len(running(workers)) <= 2
        assert all(isinstance(outcome[0], DecodedPixels) for _, outcome in threads)


def test_a_worker_killed_at_work_costs_its_file_and_no_other() -> None:
    with DecodeWorkers(1) as workers:
        decode(GIF, short_side=32, workers=workers)
        (pid,) = running(workers)
        os.kill(pid, signal.SIGSTOP)  # so that it is surely at work when it is killed
        thread, outcome = in_thread(GIF, workers)
        time.sleep(0.2)
        assert thread.is_alive()
        os.kill(pid, signal.SIGKILL)
        thread.join(10)
        (error,) = outcome
        assert isinstance(error, DecodeError)
        assert error.status == "failed"
        assert error.reason == "its decoder crashed (SIGKILL)"
        assert not error.failure.lasting
        assert pictures.shows_quadrants(decode(GIF, short_side=32, workers=workers).pixels)


def test_a_decoder_that_crashes_by_itself_will_crash_again() -> None:
    with DecodeWorkers(1) as workers:
        decode(GIF, short_side=32, workers=workers)
        (pid,) = running(workers)
        os.kill(pid, signal.SIGSTOP)
        thread, outcome = in_thread(GIF, workers)
        time.sleep(0.2)
        os.kill(pid, signal.SIGSEGV)
        os.kill(pid, signal.SIGCONT)
        thread.join(10)
        (error,) = outcome
        assert isinstance(error, DecodeError)
        assert error.reason == "its decoder crashed (SIGSEGV)"
        assert error.failure.lasting


def test_a_worker_killed_while_idle_costs_nothing() -> None:
    with DecodeWorkers(1) as workers:
        decode(GIF, short_side=32, workers=workers)
        (pid,) = running(workers)
        os.kill(pid, signal.SIGKILL)
        assert gone(pid)
        assert pictures.shows_quadrants(decode(GIF, short_side=32, workers=workers).pixels)


def test_a_worker_that_hangs_is_given_up_after_the_timeout() -> None:
    with DecodeWorkers(1) as workers:
        pid = hang(workers, timeout=1.5)
        with pytest.raises(DecodeError, match=r"longer than 1\.5 seconds"):
            decode(GIF, short_side=32, workers=workers)
        assert gone(pid)
        assert pictures.shows_quadrants(decode(GIF, short_side=32, workers=workers).pixels)


def test_a_hang_while_a_large_file_is_handed_over_is_given_up_too() -> None:
    data = pictures.encoded(pictures.noise((1000, 700)), "BMP")  # far more than a pipe holds
    with DecodeWorkers(1) as workers:
        hang(workers, timeout=0.5)
        with pytest.raises(DecodeError, match="longer than"):
            decode(data, short_side=32, workers=workers)


def test_a_picture_that_needs_too_much_memory_fails_and_the_worker_lives() -> None:
    huge = pictures.png_with_size(pictures.encoded(pictures.quadrants(), "PNG"), 13_000, 13_000)
    with DecodeWorkers(1, memory=640 << 20) as workers:
        decode(GIF, short_side=32, workers=workers)
        before = running(workers)
        with pytest.raises(DecodeError, match="more memory than is allowed"):
            decode(huge, short_side=32, workers=workers)
        decode(GIF, short_side=32, workers=workers)
        assert running(workers) == before


def test_a_worker_keeps_its_memory_for_the_next_picture_and_gives_it_back_when_none_comes() -> None:
    large = pictures.encoded(pictures.quadrants((4000, 3000)), "BMP")
    with DecodeWorkers(1) as workers:
        decode(GIF, short_side=32, workers=workers)
        (pid,) = running(workers)
        before = resident(pid)
        decode(large, short_side=32, workers=workers)
        assert resident(pid) - before > len(large)
        until = time.monotonic() + 20
        while resident(pid) - before > len(large) / 4 and time.monotonic() < until:
            time.sleep(0.05)
        assert resident(pid) - before <= len(large) / 4
        assert running(workers) == [pid]


def test_closing_ends_workers_at_work_and_later_files_fail() -> None:
    workers = DecodeWorkers(1)
    decode(GIF, short_side=32, workers=workers)
    (pid,) = running(workers)
    os.kill(pid, signal.SIGSTOP)
    thread, outcome = in_thread(GIF, workers)
    time.sleep(0.1)
    workers.close()
    thread.join(5)
    assert not thread.is_alive()
    assert isinstance(outcome[0], DecodeError)
    assert gone(pid)
    with pytest.raises(DecodeError, match="stopped"):
        decode(GIF, short_side=32, workers=workers)


PROGRAM = """
import os, signal, sys, time
from albumen.library.decode import DecodeWorkers, decode
workers = DecodeWorkers(1)
decode(open(sys.argv[1], "rb").read(), short_side=32, workers=workers)
print([worker.pid for worker in workers._all][0], flush=True)
{end}
"""
ENDS = {
    "returns": "",
    "is killed": "os.kill(os.getpid(), signal.SIGKILL)",
    "is interrupted": "os.kill(os.getpid(), signal.SIGINT); time.sleep(5)",
    "raises": "raise SystemExit('no')",
}


@pytest.mark.parametrize("end", ENDS)
def test_no_worker_outlives_a_program_that(end: str, tmp_path: Path) -> None:
    # The program has no `if __name__ == "__main__"`: starting a worker must not run it again.
    (tmp_path / "photo.gif").write_bytes(GIF)
    (tmp_path / "program.py").write_text(PROGRAM.format(end=ENDS[end]))
    program = subprocess.run(
        [sys.executable, tmp_path / "program.py", tmp_path / "photo.gif"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        timeout=60,
    )
    (pid,) = program.stdout.split()
    assert gone(int(pid))


def test_ctrl_c_in_a_terminal_reaches_the_parent_alone() -> None:
    with DecodeWorkers(1) as workers:
        decode(GIF, short_side=32, workers=workers)
        assert os.getpgid(running(workers)[0]) != os.getpgid(0)
