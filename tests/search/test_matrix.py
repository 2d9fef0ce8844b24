"""The matrix of vectors says what the store says, whatever happens to its files."""

import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.full_disk import full_disk

from albumen.search.matrix import BLOCK, LEAST_BLOCKS, DamagedError, Header, Matrix
from albumen.search.ranking import _score_parts, best, score, score_all

DIM = 8


class Vectors:
    """A source of vectors in memory that behaves as the store promises to."""

    def __init__(self, count: int = 0, seed: int = 7) -> None:
        self.random = np.random.default_rng(seed)
        self.library = f"library {seed}"
        self.rowids = np.empty(0, np.int64)
        self.vectors = np.empty((0, DIM), np.float16)
        self.changes = 0
        self.rows_read = 0
        self.last_rowid = 0
        self.add(count)

    @property
    def ids(self) -> np.ndarray:
        return self.rowids * 10

    def add(self, count: int) -> None:
        fresh = self.random.normal(size=(count, DIM))
        fresh /= np.linalg.norm(fresh, axis=1, keepdims=True)
        rowids = self.last_rowid + 1 + np.arange(count)
        self.last_rowid += count
        self.rowids = np.concatenate([self.rowids, rowids])
        self.vectors = np.concatenate([self.vectors, fresh.astype(np.float16)])
        self.changes += 1

    def remove(self, place: int) -> None:
        self.rowids = np.delete(self.rowids, place)
        self.vectors = np.delete(self.vectors, place, axis=0)
        self.changes += 1

    def setting(self, key: str) -> str | None:
        return self.library

    def generation(self, pack_id: str) -> int:
        return self.changes

    def embedding_count(self, pack_id: str, up_to_rowid: int | None = None) -> int:
        return len(self.rowids) if up_to_rowid is None else int((self.rowids <= up_to_rowid).sum())

    def embeddings(self, pack_id: str, after_rowid: int = 0) -> Iterator[tuple]:
        wanted = np.flatnonzero(self.rowids > after_rowid)
        for start in range(0, len(wanted), 700):  # not a divisor of BLOCK
            part = wanted[start : start + 700]
            self.rows_read += len(part)
            yield self.rowids[part], self.ids[part], self.vectors[part]


def holds_all(matrix: Matrix, source: Vectors) -> bool:
    query = np.eye(DIM, dtype=np.float32)[0]
    ids, scores = score_all(matrix, source, query)
    expected = source.vectors.astype(np.float32) @ query
    return np.array_equal(ids, source.ids) and np.array_equal(scores, expected)


@pytest.fixture
def matrix(tmp_path: Path) -> Matrix:
    return Matrix(tmp_path / "cache", "abc", DIM)


@pytest.mark.parametrize("count", [0, 1, BLOCK - 1, BLOCK, 3 * BLOCK + 5])
def test_it_holds_what_the_store_holds(matrix: Matrix, count: int) -> None:
    source = Vectors(count)
    assert holds_all(matrix, source)
    assert holds_all(matrix, source)


@pytest.mark.parametrize("most", [1, 2, 3, 64])
def test_its_parts_hold_each_row_once_in_order(matrix: Matrix, most: int) -> None:
    source = Vectors(BLOCK * LEAST_BLOCKS * 2 + 5)
    parts = [list(part) for part in matrix.parts(source, most)]
    assert 1 <= len(parts) <= most
    assert len(parts) == min(most, 3)
    ids = np.concatenate([ids for part in parts for ids, _ in part])
    assert np.array_equal(ids, source.ids)


def test_damage_in_any_part_of_a_large_matrix_is_noticed(matrix: Matrix) -> None:
    source = Vectors(BLOCK * LEAST_BLOCKS * 2 + 5)
    matrix.rebuild(source)
    for place in (0.1, 0.9):
        flip_one_bit(matrix.rows_file, place)
        with pytest.raises(DamagedError):
            _score_parts(matrix.parts(source, 2), np.eye(DIM, dtype=np.float32)[0])
        source.rows_read = 0
        assert holds_all(matrix, source)
        assert source.rows_read


def test_a_second_search_reads_no_vector_from_the_store(matrix: Matrix) -> None:
    source = Vectors(3000)
    holds_all(matrix, source)
    source.rows_read = 0
    assert holds_all(matrix, source)
    assert source.rows_read == 0


def test_new_photos_are_appended_without_reading_the_others(matrix: Matrix) -> None:
    source = Vectors(3000)
    holds_all(matrix, source)
    source.rows_read = 0
    source.add(10)
    assert holds_all(matrix, source)
    assert source.rows_read == 10


def test_a_removed_photo_is_no_longer_in_it(matrix: Matrix) -> None:
    source = Vectors(3000)
    holds_all(matrix, source)
    source.remove(17)
    source.add(1)
    assert holds_all(matrix, source)


@settings(max_examples=25, deadline=None)
@given(steps=st.lists(st.one_of(st.integers(0, 2500), st.just("remove")), max_size=5))
def test_any_history_of_additions_and_removals_is_followed(
    tmp_path_factory: pytest.TempPathFactory, steps: list
) -> None:
    matrix, source = Matrix(tmp_path_factory.mktemp("cache"), "abc", DIM), Vectors(5)
    for step in steps:
        if step == "remove":
            source.remove(len(source.rowids) // 2) if len(source.rowids) else None
        else:
            source.add(step)
        assert holds_all(matrix, source)


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def zero(path: Path) -> None:
    path.write_bytes(bytes(path.stat().st_size))


def flip_one_bit(path: Path, place: float = 2 / 3) -> None:
    content = bytearray(path.read_bytes())
    content[int(len(content) * place)] ^= 4
    path.write_bytes(content)


@pytest.mark.parametrize("file", ["rows_file", "header_file"])
@pytest.mark.parametrize("harm", [truncate, zero, flip_one_bit, Path.unlink])
@pytest.mark.parametrize("then_add", [0, 3])
def test_a_damaged_file_is_made_again(matrix: Matrix, file: str, harm, then_add: int) -> None:
    source = Vectors(3000)
    holds_all(matrix, source)
    harm(getattr(matrix, file))
    source.add(then_add)
    assert holds_all(matrix, source)
    source.rows_read = 0
    assert holds_all(matrix, source)
    assert source.rows_read == 0, "the mended file is used"


def test_a_header_of_a_newer_format_is_not_trusted(matrix: Matrix) -> None:
    header = Header("", "abc", DIM, 1, 0, 0, (), format=2)
    with pytest.raises(DamagedError):
        Header.loads(header.dumps())
    assert json.loads(header.dumps())["format"] == 2


def test_without_a_place_for_the_file_the_store_is_read(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where the folder should be")
    source = Vectors(3000)
    assert holds_all(Matrix(tmp_path / "cache", "abc", DIM), source)
    assert source.rows_read == 3000


def test_a_disk_that_is_full_costs_the_file_and_not_the_search(matrix: Matrix) -> None:
    with full_disk():
        assert holds_all(matrix, Vectors(3000))
    assert not list(matrix.rows_file.parent.iterdir()), "nothing half-written stays behind"


def test_searches_at_the_same_time_do_not_disturb_each_other(tmp_path: Path) -> None:
    source = Vectors(2000)
    Matrix(tmp_path, "abc", DIM).rebuild(source)
    source.add(3000)
    with ThreadPoolExecutor(4) as pool:
        searches = [pool.submit(holds_all, Matrix(tmp_path, "abc", DIM), source) for _ in range(8)]
    assert all(search.result() for search in searches)


@pytest.mark.parametrize("then_add", [0, 3])
def test_a_matrix_of_another_library_is_not_taken_for_ours(matrix: Matrix, then_add: int) -> None:
    ours, other = Vectors(50), Vectors(50, seed=8)
    assert ours.generation("abc") == other.generation("abc")
    assert holds_all(matrix, other)
    ours.add(then_add)
    assert holds_all(matrix, ours)


def test_what_a_killed_search_left_behind_is_cleared_away(matrix: Matrix) -> None:
    matrix.rows_file.parent.mkdir()
    old, new = (matrix.rows_file.with_suffix(f".{name}.new") for name in ("old", "new"))
    for file in (old, new):
        file.touch()
    os.utime(old, (0, 0))
    assert holds_all(matrix, Vectors(5))
    assert (old.exists(), new.exists()) == (False, True)


def test_packs_never_share_a_file(tmp_path: Path) -> None:
    source = Vectors(5)
    holds_all(Matrix(tmp_path, "abc", DIM), source)
    holds_all(Matrix(tmp_path, "def", DIM), source)
    assert len(list(tmp_path.glob("vectors-*.rows"))) == 2


def test_the_best_are_found_in_order_and_ties_go_to_the_older_photo() -> None:
    ids = np.array([4, 3, 2, 1, 9])
    scores = np.array([0.5, 0.1, 0.5, 0.9, 0.5], np.float32)
    assert ids[best(ids, scores, 3)].tolist() == [1, 2, 4]
    assert ids[best(ids, scores, 99)].tolist() == [1, 2, 4, 9, 3]


@given(
    halves=st.lists(st.floats(-1, 1, width=16), min_size=DIM, max_size=DIM * 5),
    seed=st.integers(0, 99),
)
def test_the_product_is_the_one_in_single_precision(halves: list[float], seed: int) -> None:
    vectors = np.array(halves[: len(halves) // DIM * DIM], np.float16).reshape(-1, DIM)
    query = np.random.default_rng(seed).normal(size=DIM).astype(np.float32)
    query /= np.linalg.norm(query)
    _, scores = score([(np.arange(len(vectors)), vectors)], query)
    np.testing.assert_allclose(scores, vectors.astype(np.float32) @ query, rtol=1e-5, atol=1e-6)
