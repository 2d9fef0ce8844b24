"""Candidates are found among very many without comparing all with all."""

import numpy as np

from albumen.duplicates import candidates
from albumen.library.evidence import orientations


def pairs(found: candidates.Found) -> set[tuple[int, int]]:
    return {(int(one), int(other)) for one, other in found.pairs}


def flipped(hash: np.uint64, bits: int, random: np.random.Generator) -> np.uint64:
    for bit in random.permutation(64)[:bits]:
        hash ^= np.uint64(1) << np.uint64(bit)
    return hash


def test_hashes_that_differ_in_a_few_bits_meet_in_every_orientation() -> None:
    random = np.random.default_rng(0)
    hashes = random.integers(0, 2**64, 2000, np.uint64)
    hashes[1000:1008] = orientations(hashes[:1])[:, 0]
    hashes[1500] = flipped(hashes[7], 3, random)
    found = pairs(candidates.by_hash(hashes, hashes))
    assert (7, 1500) in found
    assert {(0, row) for row in range(1000, 1008)} <= found
    assert len(found) < 60  # the turned ones among each other, and hardly any by chance


def test_the_other_hash_of_a_framed_picture_counts_as_well() -> None:
    random = np.random.default_rng(1)
    whole = random.integers(0, 2**64, 100, np.uint64)
    inner = whole.copy()
    inner[40] = whole[3]
    assert (3, 40) in pairs(candidates.by_hash(whole, inner))


def test_only_pairs_with_a_new_photo_are_asked_for() -> None:
    hashes = np.array([5, 5, 2**63 - 1, 2**63 - 1], np.uint64)
    new = np.array([False, False, False, True])
    assert pairs(candidates.by_hash(hashes, hashes, new)) == {(2, 3)}


def clustered(count: int, random: np.random.Generator) -> np.ndarray:
    """Every row's neighbour row is near it, all else is far."""
    centres = random.normal(size=(count // 2, 64))
    vectors = np.repeat(centres, 2, axis=0) + 0.3 * random.normal(size=(count, 64))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors.astype(np.float16)


def test_near_fingerprints_meet_and_far_ones_do_not() -> None:
    found = pairs(candidates.by_fingerprint(clustered(600, np.random.default_rng(0))))
    wanted = {(row, row + 1) for row in range(0, 600, 2)}
    assert wanted <= found
    assert len(found) < 1.2 * len(wanted)


def test_cells_find_nearly_all_that_comparing_everything_finds() -> None:
    vectors = clustered(20_000, np.random.default_rng(0))
    found = pairs(candidates.by_fingerprint(vectors))
    wanted = {(row, row + 1) for row in range(0, 20_000, 2)}
    assert len(wanted & found) >= 0.97 * len(wanted)
