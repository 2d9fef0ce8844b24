"""The same for files of your own, such as the test pictures of other projects.

    python -m bench.hostile_folders FOLDER... [--write docs/reliability.md]

Indexes each folder by itself, as bench.hostile does. Projects with odd pictures to clone: Pillow,
exiv2, libheif, libavif, metadata-extractor-images, exif-samples, fuzzing-corpus.
"""

import argparse
import tempfile
from pathlib import Path

from bench._page import put
from bench.hostile import HEAD, account, memory, row


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.hostile_folders")
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER")
    parser.add_argument("--write", type=Path, metavar="PAGE")
    asked = parser.parse_args()
    rows, accounts = [], []
    with tempfile.TemporaryDirectory() as name:
        for number, folder in enumerate(asked.folders):
            found = account(Path(name) / str(number), folder)
            refused, lost = len(found.reasons), len(found.missing)
            rows.append(row(folder.name, found.photos + refused + lost, refused, lost))
            accounts.append(found)
            print(rows[-1], f"{found.seconds:.0f} s", flush=True)
    text = HEAD + "\n".join(rows) + f"\n\n{memory(accounts)}"
    if asked.write:
        put(asked.write, "bench.hostile_folders", text)


if __name__ == "__main__":
    main()
