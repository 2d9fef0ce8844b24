"""How good the tags of the default vocabulary are.

    python -m bench.tags SHARD... [--pack NAME] [--write]

SHARDs are WebDataset files of labelled pictures that the pack was not trained on
(docs/evaluation.md has the format). Precision of a label: of its source's pictures that got the
tag, how many have the label; recall: of those that have the label, how many got the tag. Beside it
stands plain arg-max, which gives each picture the tag with the highest cosine. `--write` puts the
table into docs/tags.md.
"""

from collections.abc import Iterator

import numpy as np
from bench._embedded import write_table
from numpy.typing import NDArray

from albumen.evaluation.embedding import Embedded
from albumen.library.store import Store
from albumen.packs import Pack
from albumen.tags.tagging import Tagger
from albumen.tags.vocabulary import default

JUDGED = ("scenes6", "rooms4", "catsdogs")
CALLED = {"front of a house": "house"}
"""Labels that the vocabulary calls otherwise."""

Bits = NDArray[np.bool_]


def main() -> None:
    write_table(__doc__.splitlines()[0], "bench.tags", tags_table)


def tags_table(store: Store, pack: Pack, embedded: Embedded) -> str:
    """Each judged label, their mean, and the mean over the labels of all other sources."""
    tagger = Tagger(store, pack, default())
    names = [entry.name for entry in default().entries]
    given = np.zeros((len(embedded.vectors), len(names)), bool)
    for row, tag, _ in tagger.tags(embedded.vectors):
        given[row, tag] = True
    plain = np.zeros_like(given)
    nearest = (embedded.vectors @ tagger.vectors.T).argmax(axis=1)
    plain[np.arange(len(plain)), nearest] = True
    judged, others = [], []
    lines = [
        "| source | label | pictures | precision | recall | arg-max: precision | recall |",
        "|---|---|---|---|---|---|---|",
    ]
    for source, label, own, has in _labels(embedded):
        tag = CALLED.get(label, label)
        if tag not in names:
            continue
        column = names.index(tag)
        figures = [*_figures(given[own, column], has), *_figures(plain[own, column], has)]
        if source in JUDGED:
            judged.append(figures)
            shown = " | ".join(map(_shown, figures))
            lines.append(f"| {source} | {label} | {int(has.sum())} | {shown} |")
        else:
            others.append(figures)
    for title, some in (("mean of these", judged), ("mean of other sources' labels", others)):
        shown = " | ".join(map(_shown, np.nanmean(np.array(some), axis=0)))
        lines.append(f"| **{title}** | {len(some)} labels | | {shown} |")
    count = len(embedded.vectors)
    lines.append(
        f"\nPack {pack.name}, {len(names)} tags, {count:,} pictures: {given.sum() / count:.1f} tags"
        f" a picture, none for {1 - given.any(axis=1).mean():.0%} of them. A precision without any "
        "picture that got the tag is left out of the mean."
    )
    return "\n".join(lines)


def _labels(embedded: Embedded) -> Iterator[tuple[str, str, NDArray[np.intp], Bits]]:
    """Source, label, the source's pictures, and which of them have the label; three at least."""
    order = {source: at for at, source in enumerate(JUDGED)}
    keys = {(one.source, one.label) for one in embedded.pictures if one.label is not None}
    for source, label in sorted(keys, key=lambda key: (order.get(key[0], 9), *key)):
        own = [i for i, one in enumerate(embedded.pictures) if one.source == source and one.label]
        has = np.array([embedded.pictures[i].label == label for i in own])
        if has.sum() >= 3:
            yield source, label, np.array(own), has


def _figures(given: Bits, has: Bits) -> tuple[float, float]:
    hits = (given & has).sum()
    return hits / given.sum() if given.any() else np.nan, hits / has.sum()


def _shown(value: float) -> str:
    return "–" if np.isnan(value) else f"{value:.2f}"


if __name__ == "__main__":
    main()
