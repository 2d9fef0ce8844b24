"""Fuzz our parsers, guided by coverage: `python -m fuzz [TARGET...] [--seconds N]`.

Needs atheris (`pip install 'albumen[fuzz]'`). Each target runs in a process of its own, for a
minute unless --seconds says otherwise; what it learns is kept in .fuzz/TARGET for the next time.
What makes a parser break its promise is written to .fuzz/found/, and the exit code is 1.
"""

import argparse
import subprocess
import sys
from pathlib import Path

from fuzz.targets import TARGETS

PLACE = Path(".fuzz")
LONGEST, SLOWEST, MEMORY = 1 << 16, 10, 2048  # bytes of an input, seconds for one, MB

ONE = """
import sys
import atheris
with atheris.instrument_imports(include=["albumen"]):
    from fuzz.targets import TARGETS
target = TARGETS[sys.argv.pop(1)]
target.run(next(iter(target.seeds())))  # what it imports is no input's time
atheris.Setup(sys.argv, target.run)
atheris.Fuzz()
"""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", help=f"of: {', '.join(TARGETS)}; default: all")
    parser.add_argument("--seconds", type=int, default=60, help="for each target (default 60)")
    asked = parser.parse_args()
    if unknown := [name for name in asked.targets if name not in TARGETS]:
        parser.error(f"there is no target {unknown[0]}; there are: {', '.join(TARGETS)}")
    try:
        import atheris  # noqa: F401
    except ImportError:
        parser.error("atheris is not installed; run: pip install 'albumen[fuzz]'")
    broken = [name for name in asked.targets or TARGETS if fuzz(name, asked.seconds)]
    print(f"broken: {', '.join(broken)}; see {PLACE / 'found'}" if broken else "nothing broke")
    return int(bool(broken))


def fuzz(name: str, seconds: int) -> int:
    """Fuzz one target; returns the exit code of its process."""
    corpus, found = PLACE / name, PLACE / "found"
    for folder in (corpus, found):
        folder.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(TARGETS[name].seeds()):
        (corpus / f"seed-{number}").write_bytes(seed)
    limits = {
        "max_total_time": seconds, "max_len": LONGEST, "timeout": SLOWEST,
        "rss_limit_mb": MEMORY, "verbosity": 0, "print_final_stats": 1,
        "artifact_prefix": f"{found}/{name}-",
    }  # fmt: skip
    options = [f"-{key}={value}" for key, value in limits.items()]
    done = subprocess.run(
        [sys.executable, "-c", ONE, name, str(corpus), *options], capture_output=True, text=True
    )
    executed = [line for line in done.stderr.splitlines() if "number_of_executed_units" in line]
    runs = int(executed[0].split()[-1]) if executed else 0
    kept = sum(1 for _ in corpus.iterdir())
    print(f"{name}: {runs:,} inputs, {kept:,} kept for the paths they take", flush=True)
    if done.returncode:
        print(done.stderr[-3000:], file=sys.stderr)
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
