"""Draw docs/search.svg: what a person sees in the terminal, from real runs on the sample photos.

    python docs/draw_search.py

Needs the extra `demo`. The commands that are shown are the commands that are run.
"""

import io
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import skimage.data
from rich.console import Console
from rich.text import Text

COMMANDS = (
    "albumen index photos",
    'albumen search "a motorcycle" -n 3',
    'albumen search "a cup of coffee" -n 3',
    "albumen search --like photos/chelsea.png --not people -n 3",
)
WIDTH = 92
OUTPUT = Path(__file__).with_name("search.svg")


def main() -> None:
    console = Console(record=True, width=WIDTH, file=io.StringIO())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "photos").symlink_to(Path(skimage.data.__file__).parent)
        for command in COMMANDS:
            console.print(Text.assemble(("$ ", "green"), (command, "bold")))
            console.print(Text(shown(run(command, folder), folder)))
    OUTPUT.write_text(console.export_svg(title="albumen"), "utf-8")
    print(f"wrote {OUTPUT}")


def run(command: str, folder: Path) -> str:
    """What the command prints; a failure ends the drawing."""
    program = str(Path(sys.executable).parent)
    environment = os.environ | {
        "PATH": f"{program}:{os.environ['PATH']}",
        "ALBUMEN_HOME": str(folder / "library"),
    }
    done = subprocess.run(
        command,
        shell=True,  # the examples are lines as a person types them
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode:
        raise SystemExit(f"{command} ended with {done.returncode}: {done.stdout}")
    return done.stdout


def shown(output: str, folder: Path) -> str:
    """The output with the temporary folder and the notice that is given only once left out."""
    lines = [line for line in output.splitlines() if "(Said once.)" not in line]
    return "\n".join(lines).replace(f"{folder}/", "") + "\n"


if __name__ == "__main__":
    main()
