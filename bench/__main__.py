"""Run the measurements, all of them or those named: `python -m bench [NAME...]`.

Each is a module of this folder with a `main` and its own explanation. They take minutes, print what
they found, and judge nothing. One that needs data of yours says so and is passed over.
"""

import subprocess
import sys
from pathlib import Path

NEEDS_ARGUMENTS = 2  # what argparse ends with


def main() -> int:
    known = sorted(file.stem for file in Path(__file__).parent.glob("[!_]*.py"))
    names = sys.argv[1:] or known
    if unknown := set(names) - set(known):
        print(f"no measurement {', '.join(unknown)}; there are: {', '.join(known)}")
        return 2
    codes = []
    for name in names:
        print(f"\n== python -m bench.{name}", flush=True)
        codes.append(subprocess.run([sys.executable, "-m", f"bench.{name}"]).returncode)
    return int(any(code not in (0, NEEDS_ARGUMENTS) for code in codes))


if __name__ == "__main__":
    sys.exit(main())
