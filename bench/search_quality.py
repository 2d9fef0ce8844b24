"""How good is a search: cut-off, absent things, kindred words, altered captions, twenty queries.

    python -m bench.search_quality val-000.tar [--pack NAME] [--write]

--write puts the figures into docs/search-quality.md. The pictures only judge: what is tuned is
tuned on others (`lessons.is_development`).
"""

import argparse
import math
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from bench._altered import altered
from bench._page import put

from albumen.evaluation import find_shards
from albumen.evaluation.embedding import Embedded, embed
from albumen.packs import Pack, open_pack
from albumen.search.answer import DIGITS
from albumen.search.cutoff import cutoff
from albumen.search.reading import read

PAGE = Path(__file__).parents[1] / "docs/search-quality.md"
ABSENT = Path(__file__).with_name("absent.txt")
LABELLED = ("scenes6", "rooms4", "flowers5", "catsdogs", "imagenette")
SHOWN = 3
QUERIES = (
    "a dog", "a cat on a sofa", "mountains with snow", "a kitchen", "yellow flowers", "a church",
    "children playing", "people outdoors in winter", "something to drink from",
    "an animal with stripes", "a man riding a bicycle", "a red car", "a boat on the water",
    "food on a plate", "a musical instrument", "three dogs", "a cat to the left of a dog",
    "a sign that says stop", "grandma's birthday", "a dog that is not brown",
)  # fmt: skip
KINDRED = (
    ("catsdogs", "dog", ("dogs", "puppy", "a dog", "doggie", "hound")),
    ("catsdogs", "cat", ("cats", "kitten", "a cat", "kitty")),
    ("scenes6", "mountain", ("mountains", "a mountain range")),
    ("scenes6", "sea", ("ocean", "seaside")),
    ("scenes6", "forest", ("forests", "woods", "trees")),
    ("scenes6", "street", ("streets", "road")),
    ("flowers5", "roses", ("rose", "a rose")),
    ("flowers5", "tulips", ("tulip", "a tulip")),
    ("imagenette", "church", ("churches", "chapel")),
    ("imagenette", "garbage truck", ("garbage trucks", "dustcart", "garbage lorry")),
    ("imagenette", "gas pump", ("petrol pump", "gas pumps")),
    ("rooms4", "kitchen", ("kitchens", "a kichen")),
)


class Judged:
    """A pack's vectors of the judged pictures, and of texts as search reads them."""

    def __init__(self, embedded: Embedded, pack: Pack) -> None:
        self.pictures, self.vectors, self.pack = embedded.pictures, embedded.vectors, pack
        self.source = np.array([picture.source for picture in self.pictures])
        self.label = np.array([picture.label or "" for picture in self.pictures])

    def text(self, text: str) -> np.ndarray:
        return self.pack.encode_texts([read(text, self.pack.words).text])[0]

    def search(self, text: str, among: np.ndarray) -> tuple[np.ndarray, float]:
        """Scores of these pictures, and where the matches end."""
        ground, query = self.pack.background, self.text(text)
        if ground is None:
            raise SystemExit(f"the pack {self.pack.name} has no statistics for a cut-off")
        vectors = self.vectors[among]
        scores = vectors @ query
        scale = self.pack.manifest.logit_scale
        least = cutoff(query, scores, ground, lambda places: vectors[places], scale=scale)
        # Rounded as search does, lest a match fall short of its own score.
        least = -1.0 if least is None else math.floor(least * 10**DIGITS) / 10**DIGITS
        return np.round(scores.astype(np.float64), DIGITS), least


def f1(found: np.ndarray, right: np.ndarray) -> float:
    return float(2 * (found & right).sum() / (found.sum() + right.sum()))


def best_f1(scores: np.ndarray, right: np.ndarray) -> float:
    hits = np.cumsum(right[np.argsort(-scores)])
    return float((2 * hits / (np.arange(1, len(right) + 1) + right.sum())).max())


def average_precision(scores: np.ndarray, right: np.ndarray) -> float:
    ordered = right[np.argsort(-scores)]
    return float((np.cumsum(ordered) / np.arange(1, len(ordered) + 1))[ordered].mean())


def cutoffs(judged: Judged) -> Iterator[str]:
    """Each label of a source, searched among that source's pictures."""
    yield "| source | pictures | labels | F1 at the cut-off | best F1 | ratio |"
    yield "|---|--:|--:|--:|--:|--:|"
    means = []
    for source in LABELLED:
        among = np.flatnonzero(judged.source == source)
        labels = sorted(set(judged.label[among]))
        pairs = []
        for label in labels:
            scores, least = judged.search(label, among)
            right = judged.label[among] == label
            pairs.append((f1(scores >= least, right), best_f1(scores, right)))
        means.append(np.mean(pairs, axis=0))
        found, best = means[-1]
        yield (
            f"| {source} | {len(among)} | {len(labels)} | {found:.3f} | {best:.3f} "
            f"| {found / best:.2f} |"
        )
    found, best = np.mean(means, axis=0)
    yield f"| mean | | | {found:.3f} | {best:.3f} | {found / best:.2f} |"


def absent(judged: Judged) -> Iterator[str]:
    """Things of which there is no picture: how many give no match, in all five and in each."""
    things = [line for line in ABSENT.read_text().splitlines() if not line.startswith("#")]
    libraries = {"all five together": LABELLED, **{source: (source,) for source in LABELLED}}
    yield "| library | pictures | things | no match | matched falsely |"
    yield "|---|--:|--:|--:|---|"
    for name, sources in libraries.items():
        among = np.flatnonzero(np.isin(judged.source, sources))
        searched = {thing: judged.search(thing, among) for thing in things}
        falsely = [thing for thing, (scores, least) in searched.items() if scores.max() >= least]
        share = 1 - len(falsely) / len(things)
        told = ", ".join(falsely)
        yield f"| {name} | {len(among)} | {len(things)} | {share:.0%} | {told} |"


def kindred(judged: Judged) -> Iterator[str]:
    """Plurals, synonyms and slips in a label's place: does the ranking stay?"""
    yield "| source | label | average precision | in its place |"
    yield "|---|---|--:|---|"
    for source, label, others in KINDRED:
        among = np.flatnonzero(judged.source == source)
        right = judged.label[among] == label

        def precision(text: str, among: np.ndarray = among, right: np.ndarray = right) -> float:
            return average_precision(judged.vectors[among] @ judged.text(text), right)

        told = ", ".join(f"{other} {precision(other):.2f}" for other in others)
        yield f"| {source} | {label} | {precision(label):.2f} | {told} |"


def templates(judged: Judged) -> Iterator[str]:
    """Labels as bare words, and in a template."""
    forms = ("{}", "a {}", "a photo of {}", "a photo of a {}")
    yield f"| source | {' | '.join(forms)} |"
    yield "|---|" + "--:|" * len(forms)
    for source in LABELLED:
        among = np.flatnonzero(judged.source == source)
        labels = sorted(set(judged.label[among]))
        cells = []
        for form in forms:
            scores = (
                judged.vectors[among]
                @ judged.pack.encode_texts([form.format(label) for label in labels]).T
            )
            right = judged.label[among][:, np.newaxis] == labels
            each = [average_precision(scores[:, k], right[:, k]) for k in range(len(labels))]
            cells.append(f"{np.mean(each):.3f}")
        yield f"| {source} | {' | '.join(cells)} |"


def pairs(judged: Judged) -> Iterator[str]:
    """True captions against the same with colours, numbers or the words' order altered."""
    yield "| what is altered | captions | the true one scores higher |"
    yield "|---|--:|--:|"
    captioned = [(i, text) for i, p in enumerate(judged.pictures) for text in p.captions]
    for kind, change in altered().items():
        both = [(i, text, other) for i, text in captioned if (other := change(text)) is not None]
        if not both:
            continue
        own = judged.vectors[[i for i, _, _ in both]]
        true = (own * judged.pack.encode_texts([text for _, text, _ in both])).sum(1)
        false = (own * judged.pack.encode_texts([other for _, _, other in both])).sum(1)
        wins = (true > false) + 0.5 * (true == false)
        error = wins.std() / np.sqrt(len({i for i, _, _ in both}))
        yield f"| {kind} | {len(both)} | {wins.mean():.2f} ± {error:.2f} |"


def queries(judged: Judged) -> Iterator[str]:
    """Twenty queries among all pictures, and what came back first."""
    everything = np.arange(len(judged.pictures))
    yield f"| query | match | the first {SHOWN}, with their scores (· below the cut-off) |"
    yield "|---|--:|---|"
    for query in QUERIES:
        scores, least = judged.search(query, everything)
        first = np.argsort(-scores)[:SHOWN]
        told = "; ".join(
            f"{'' if scores[i] >= least else '·'}{_about(judged, i)} {scores[i]:.2f}" for i in first
        )
        notices = "".join(f" ({n})" for n in read(query, judged.pack.words).notices)
        yield f"| {query}{notices} | {(scores >= least).sum()} | {told} |"


def _about(judged: Judged, place: int) -> str:
    picture = judged.pictures[place]
    said = picture.label or (f"“{picture.captions[0].strip(' .')}”" if picture.captions else "?")
    return f"{said} [{picture.source}]"


PARTS: dict[str, Callable[[Judged], Iterator[str]]] = {
    "cutoffs": cutoffs, "absent": absent, "kindred": kindred, "templates": templates,
    "pairs": pairs, "queries": queries,
}  # fmt: skip


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("data", type=Path, nargs="+", help="shards as docs/evaluation.md says")
    arguments.add_argument("--pack", default="starter")
    arguments.add_argument("--write", action="store_true", help=f"into {PAGE.name}")
    options = arguments.parse_args()
    pack = open_pack(options.pack)
    judged = Judged(embed(find_shards(options.data), pack, lambda progress: None), pack)
    for name, part in PARTS.items():
        text = "\n".join(part(judged))
        print(f"\n{name}\n{text}", flush=True)
        if options.write:
            put(PAGE, f"bench.search_quality {name}", text)


if __name__ == "__main__":
    main()
