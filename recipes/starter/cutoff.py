"""The constants of `albumen.search.cutoff`, chosen on pictures kept to choose by.

    python -m recipes.starter.cutoff --data DIR [--pack NAME] [--write]

Prints them as they stand in the module, and what they give: how often an absent thing matches
nothing, how often the only photo or two of a thing are found in a small album, and F1 against the
best there is. So many of the absent things may match something (`FALSELY`), over albums of all
sizes; among the constants with which they do, those stand that find most of what is there. Never
looks at val-000.tar or bench/absent.txt. --write puts the table into docs/search-quality.md.
"""

import argparse
import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
from bench._page import put
from recipes.starter.albums import Albums, Trial
from recipes.starter.lessons import Described, Lessons
from recipes.starter.matches import Matcher, TextPool

from albumen.packs import Pack, open_pack
from albumen.search import cutoff
from albumen.search.cutoff import Evidence, Normal, Signs

SEED, AT_ONCE = 14, 64
FALSELY = 0.07  # of absent things that may match something: a tenth is what is allowed at most
ODDS = (0.2, 0.4, 0.6, 0.8, 1.0, 1.2)
SLOPES = tuple(tenths / 10 for tenths in range(16))
MEANS, SPREADS = (2.7, 3.0, 3.3), (0.35, 0.45, 0.6)
ALIKE = 0.08  # of pictures of its source that may be like an example though they show another thing

SAID = {
    "the only photo or two of a thing: found": ("few",),
    "a photo's caption: that photo found": ("caption",),
    "an absent thing: no match": ("absent",),
    "F1 against the best there is": ("many", "source"),
}
PAGE = Path(__file__).parents[2] / "docs/search-quality.md"

Figures = dict[str, dict[str, float]]
"""Of each kind of trial and each album, what was reached."""


@dataclass(frozen=True)
class Judged:
    """A trial and what the cut-off sees of it. right: (n,), best first."""

    trial: Trial
    seen: Signs
    right: np.ndarray

    @property
    def album(self) -> str:
        """What it is counted under."""
        size = len(self.trial.rows)
        return self.trial.source or str(size)


def judged(pack: Pack, vectors: np.ndarray, trials: Sequence[Trial]) -> list[Judged]:
    """vectors: (N, D) of the pictures."""
    texts = sorted({trial.query for trial in trials})
    read = dict(zip(texts, pack.encode_texts(texts), strict=True))
    ground, scale = pack.background, pack.manifest.logit_scale
    assert ground is not None
    found = []
    for trial in trials:
        own, query = vectors[trial.rows], read[trial.query]
        scores = own @ query
        order = cutoff.sample(scores).positions
        seen = cutoff.signs(query, scores, ground, lambda at, own=own: own[at], scale)
        assert seen is not None
        found.append(Judged(trial, seen, trial.right[order]))
    return found


def first_for(absent: Sequence[Judged], odds: float, slope: float) -> float:
    """The lowest `first` with which no more of the absent things than FALSELY match something.

    Each album counts as much as any other, however many things are sought in it.
    """
    counts = Counter(one.album for one in absent)
    needed = []
    for one in absent:
        evidence = np.sort(one.seen.z + odds * one.seen.odds)[::-1]
        ranks = np.arange(1, len(evidence) + 1)
        beyond = evidence - slope * np.log(len(evidence) / ranks)
        needed.append(beyond[ranks <= max(1, len(evidence) / 2)].max())
    order = np.argsort(needed)[::-1]
    shares = np.array([1 / counts[one.album] for one in absent])[order] / len(counts)
    first = np.array(needed)[order][np.searchsorted(np.cumsum(shares), FALSELY)]
    return float(np.ceil(first * 100) / 100)


def shown(one: Judged, known: Evidence, valley: int) -> int:
    """How many photos match."""
    beyond, lacking = cutoff.beyond_chance(one.seen, known)
    return 0 if lacking > 0 else min(beyond, valley) + 1


def figures(several: Sequence[Judged], counts: Sequence[int]) -> Figures:
    """Of each kind and album the mean: found, or none found, or F1 against the best.

    counts: how many photos match in each trial.
    """
    parts: dict[str, dict[str, list[tuple[float, float]]]] = defaultdict(lambda: defaultdict(list))
    for one, count in zip(several, counts, strict=True):
        kind, hits = one.trial.kind, np.cumsum(one.right)
        if kind == "absent":
            pair = float(count == 0), 1.0
        elif kind in ("few", "caption"):
            pair = float(count > 0 and hits[count - 1] > 0), 1.0
        else:
            f1 = 2 * hits / (np.arange(1, len(hits) + 1) + hits[-1])
            pair = float(f1[count - 1] if count else 0), float(f1.max())
        parts[kind][one.album].append(pair)
    return {
        kind: {album: float(np.divide(*np.mean(pairs, 0))) for album, pairs in albums.items()}
        for kind, albums in parts.items()
    }


def reached(found: Figures) -> float:
    """What is made as great as it can be: the mean over albums of every size, and the sources."""
    albums: dict[str, list[float]] = defaultdict(list)
    for kind, values in found.items():
        for album, value in values.items():
            if kind != "absent":
                albums["sources" if kind == "source" else album].append(value)
    return float(np.mean([np.mean(values) for values in albums.values()]))


def best_matches(several: Sequence[Judged]) -> Normal:
    """Where z of matches is taken to lie, so that F1 is best where these are many."""
    many = [one for one in several if one.trial.kind == "source"]
    tried = []
    for mean, spread in product(MEANS, SPREADS):
        usual = Normal(mean, spread)
        counts = [1 + cutoff.above_the_valley(one.seen, usual) for one in many]
        tried.append((reached(figures(many, counts)), usual))
    return max(tried, key=lambda each: each[0])[1]


def best_evidence(
    several: Sequence[Judged], valleys: Sequence[int], odds: Sequence[float]
) -> Evidence:
    """Of all evidence that lets through so few of the absent, the one that finds most."""
    absent = [one for one in several if one.trial.kind == "absent"]
    tried = []
    for share, slope in product(odds, SLOPES):
        known = Evidence(share, first_for(absent, share, slope), slope)
        tried.append((reached(told(several, valleys, known)), known))
    return max(tried, key=lambda each: each[0])[1]


def told(several: Sequence[Judged], valleys: Sequence[int], known: Evidence) -> Figures:
    """What this evidence gives."""
    counts = [shown(one, known, at) for one, at in zip(several, valleys, strict=True)]
    return figures(several, counts)


def example(pack: Pack, vectors: np.ndarray, pictures: Sequence[Described]) -> float:
    """The z that so few of an example's source reach whose label is another (ALIKE)."""
    ground = pack.background
    assert ground is not None
    labelled = np.flatnonzero([bool(one.label) for one in pictures])
    labels = np.array([pictures[i].label for i in labelled])
    sources = np.array([pictures[i].source for i in labelled])
    own = vectors[labelled]
    spread = np.sqrt(np.einsum("nd,de,ne->n", own, ground.covariance, own))
    z = (own @ (own - ground.mean).T) / spread[:, np.newaxis]
    others = (sources[:, np.newaxis] == sources) & (labels[:, np.newaxis] != labels)
    return float(np.quantile(z[others], 1 - ALIKE))


def embedded(pack: Pack, lessons: Lessons, rows: np.ndarray) -> np.ndarray:
    parts = np.array_split(rows, len(rows) // AT_ONCE)
    ready = ([pack.preprocessing.apply(one) for one in lessons.pictures[part]] for part in parts)
    return np.concatenate([pack.encode_images(np.stack(each)) for each in ready])


def table(found: Figures) -> Iterator[str]:
    """The lines of a table, as Markdown."""
    albums = dict.fromkeys(album for each in found.values() for album in each)
    yield f"| | {' | '.join(albums)} |"
    yield "|---|" + "--:|" * len(albums)
    for said, kinds in SAID.items():
        values = {album: value for kind in kinds for album, value in found[kind].items()}
        cells = (f"{values[album]:.2f}" if album in values else "" for album in albums)
        yield f"| {said} | {' | '.join(cells)} |"


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--data", type=Path, required=True, help="folder written by prepare")
    arguments.add_argument("--pack", default="starter")
    arguments.add_argument("--write", action="store_true", help=f"the table into {PAGE.name}")
    options = arguments.parse_args()
    lessons, pack = Lessons(options.data), open_pack(options.pack)
    near = set(json.loads((options.data / "near_copies.json").read_text()))
    rows = np.array([r for r in lessons.development if lessons.described[r].key not in near])
    vectors = embedded(pack, lessons, rows)
    albums = Albums(lessons, Matcher(options.data, lessons, TextPool(options.data)), rows)
    several = judged(pack, vectors, list(albums.trials(np.random.default_rng(SEED))))
    usual = best_matches(several)
    valleys = [cutoff.above_the_valley(one.seen, usual) for one in several]
    known = best_evidence(several, valleys, ODDS)
    without = best_evidence(several, valleys, (0.0,))
    print(f"WITH_RIVALS = {known}\nWITHOUT = {without}\nMATCHES = {usual}")
    print(f"EXAMPLE = {example(pack, vectors, albums.described):.1f}")
    for evidence in (without, known):
        text = "\n".join(table(told(several, valleys, evidence)))
        print(f"\n{evidence}\n{text}")
    if options.write:
        put(PAGE, "recipes.starter.cutoff", text)


if __name__ == "__main__":
    main()
