"""How long the program takes before it does anything: what `import albumen` adds to Python's start.

    python -m bench.start

Each command is a process of its own, in turns with a Python that does nothing. Told are medians
over ROUNDS of the processor time that each needs beyond that one, since a busy machine would decide
over the rest. The bound that we set ourselves is 150 ms for the import.
"""

import resource
import statistics
import subprocess
import sys

ROUNDS = 9
COMMANDS = {
    "import albumen": ["-c", "import albumen"],
    "from albumen import Library": ["-c", "from albumen import Library"],
    "albumen --help": ["-m", "albumen.cli.main", "--help"],
    "albumen search --help": ["-m", "albumen.cli.main", "search", "--help"],
}


def main() -> None:
    added: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(ROUNDS):
        bare = _seconds(["-c", "pass"])
        for name, command in COMMANDS.items():
            added[name].append(_seconds(command) - bare)
    for name, spent in added.items():
        print(f"{name:30} {1000 * statistics.median(spent):4.0f} ms")


def _seconds(command: list[str]) -> float:
    """Processor time of one run."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *command], check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    main()
