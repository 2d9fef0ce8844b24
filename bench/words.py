"""How words that people wrote are merged with likeness, beside other ways to do it.

    python -m bench.words SHARD... [--pack NAME] [--write]

SHARDs are WebDataset files of pictures with several captions each that the pack was not trained on
(docs/evaluation.md has the format). They make an album in which every second photo has the first of
its captions; the next two are queries. Some photos at random bear names as keywords. `--write` puts
the table into docs/tags.md.
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from bench._embedded import write_table
from numpy.typing import NDArray

from albumen.evaluation.embedding import Embedded
from albumen.library.records import Told
from albumen.library.store import Store, told
from albumen.packs import Pack
from albumen.search import words

NAMES, BEARERS, QUERIES = 20, 10, 2
FUSION = 60  # Cormack, Clarke and Büttcher, SIGIR 2009
Rank = Callable[[str, NDArray[np.float32]], NDArray[np.intp]]


def main() -> None:
    write_table(__doc__.splitlines()[0], "bench.words", words_table)


def words_table(store: Store, pack: Pack, embedded: Embedded) -> str:
    """An album in which every second photo has one of its captions; the others are the queries."""
    captioned = [i for i, one in enumerate(embedded.pictures) if len(one.captions) > 1]
    if not captioned:
        return "(no captioned pictures)"
    captions = [embedded.pictures[i].captions for i in captioned]
    vectors = embedded.vectors[captioned]
    bearers = _fill(store, captions)
    queries = [
        (photo, text) for photo, texts in enumerate(captions) for text in texts[1 : 1 + QUERIES]
    ]
    encoded = pack.encode_texts([text for _, text in queries])
    named = pack.encode_texts(list(bearers))
    lines = [
        "| ranked by | R@1, captioned | R@10 | R@1, without caption | R@10 | a name's photos among "
        f"the first {BEARERS} |",
        "|---|---|---|---|---|---|",
    ]
    for title, rank in _rankings(store, vectors):
        hits: dict[bool, list[int]] = {True: [], False: []}
        for (photo, text), vector in zip(queries, encoded, strict=True):
            place = int(np.flatnonzero(rank(text, vector) == photo)[0])
            hits[photo % 2 == 0].append(place)
        found = [
            np.isin(rank(name, vector)[:BEARERS], list(who)).mean()
            for (name, who), vector in zip(bearers.items(), named, strict=True)
        ]
        recalls = [np.mean(np.array(hits[some]) < k) for some in (True, False) for k in (1, 10)]
        lines.append(f"| {title} | {' | '.join(f'{r:.2f}' for r in [*recalls, np.mean(found)])} |")
    lines.append(
        f"\n{len(captions)} photos, {len(queries):,} queries; {NAMES} names, each a keyword of "
        f"{BEARERS} photos at random."
    )
    return "\n".join(lines)


def _fill(store: Store, captions: Sequence[Sequence[str]]) -> dict[str, set[int]]:
    """A record for each photo, its id its place here + 1; returns who bears each name."""
    random = np.random.default_rng(15)
    bearers = {
        f"Name{number}": set(random.choice(len(captions), min(BEARERS, len(captions)), False))
        for number in range(NAMES)
    }
    with store.db.transaction():
        for photo, texts in enumerate(captions):
            store.db.execute(
                "INSERT INTO photo (id, content_hash, bytes, status, added)"
                " VALUES (?, ?, 1, 'decoded', '2026-01-01')",
                (photo + 1, photo.to_bytes(32, "big")),
            )
            keywords = tuple(name for name, who in bearers.items() if photo in who)
            caption = texts[0] if photo % 2 == 0 else None
            told.save_of_photo(store.db, photo + 1, Told(keywords, caption=caption))
    return bearers


def _rankings(store: Store, vectors: NDArray[np.float32]) -> Iterator[tuple[str, Rank]]:
    ids = np.arange(1, len(vectors) + 1)

    def by_likeness(text: str, vector: NDArray[np.float32]) -> NDArray[np.intp]:
        return np.argsort(-(vectors @ vector), kind="stable")

    def by_words(text: str, vector: NDArray[np.float32]) -> NDArray[np.intp]:
        score = _bm25(store, text, len(vectors))
        return np.lexsort((by_likeness(text, vector).argsort(), -score))

    def by_fusion(text: str, vector: NDArray[np.float32]) -> NDArray[np.intp]:
        fused = 1 / (FUSION + 1 + by_likeness(text, vector).argsort())
        score = _bm25(store, text, len(vectors))
        places = np.argsort(-score, kind="stable").argsort()
        fused += np.where(score > 0, 1 / (FUSION + 1 + places), 0)
        return np.argsort(-fused, kind="stable")

    def by_albumen(text: str, vector: NDArray[np.float32]) -> NDArray[np.intp]:
        scores = (vectors @ vector).astype(np.float32)
        said = words.said(store, [text])
        return np.argsort(-(scores if said is None else said.raised(ids, scores)), kind="stable")

    yield "likeness alone", by_likeness
    yield "words (BM25), then likeness", by_words
    yield f"reciprocal rank fusion (k = {FUSION})", by_fusion
    yield "Albumen", by_albumen


def _bm25(store: Store, text: str, count: int) -> NDArray[np.float64]:
    """SQLite's BM25 of captions and keywords together, for any of the words: (N,), 0 for none."""
    plain = [term.match for term in words.terms(text) if hasattr(term, "match")]
    score = np.zeros(count)
    if plain:
        rows = store.db.execute(
            "SELECT o.photo, -bm25(told_words) FROM told_words w JOIN told_of o ON o.told = w.rowid"
            " WHERE told_words MATCH ?1 UNION ALL"
            " SELECT o.photo, -bm25(tag_words) FROM tag_words w"
            " JOIN told_keyword k ON k.tag = w.rowid JOIN told_of o ON o.told = k.told"
            " WHERE tag_words MATCH ?1",
            (" OR ".join(plain),),
        )
        for photo, value in rows.fetchall():
            score[photo - 1] += value
    return score


if __name__ == "__main__":
    main()
