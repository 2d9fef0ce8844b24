"""A classifier from a few photos: a linear probe on a pack, how good it is and how long it takes.

    python -m bench.probe SHARD... [--source scenes6] [--per-class 20] [--pack starter]
        [--write docs/training.md]

Of the shards' pictures of that source, so many of each class are learned from and all others judged
by. Seconds are those of the command's two parts on this machine: embedding all of these pictures,
and learning from the few, cross-validation included.
"""

import argparse
import tempfile
from pathlib import Path

from bench._page import put

from albumen.packs import open_pack
from albumen.training import classifying, recipes
from albumen.training.classifying import Job
from albumen.training.told import Told


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("shards", nargs="+", type=Path)
    parser.add_argument("--source", default="scenes6")
    parser.add_argument("--per-class", type=int, default=20)
    parser.add_argument("--pack", default="starter")
    parser.add_argument("--write", type=Path, help="put the result into this page, at its mark")
    args = parser.parse_args()
    said: list[str] = []
    lines = []
    for shard in args.shards:
        with tempfile.TemporaryDirectory() as folder:
            job = Job(shard, Path(folder), sources=(args.source,), each=args.per_class)
            told = Told(note=said.append)
            _, judged = classifying.probe(
                job, open_pack(args.pack), recipes.classifier("small-pictures"), told
            )
        right, count = judged.figures["right"], int(judged.figures["test"])
        error = (right * (1 - right) / count) ** 0.5
        lines.append(
            f"With {args.per_class} pictures of each of the {len(judged.classes)} classes of "
            f"{args.source} (`{shard.name}`) the {args.pack} names {right:.3f} ± {error:.3f} of "
            f"{count} others rightly; it {said[-1]}."
        )
        print(lines[-1], flush=True)
    if args.write:
        put(args.write, "bench.probe", "\n\n".join(lines))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
