"""How the starter's background and the cut-off's constants are chosen."""

from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from recipes.starter import cutoff as recipe
from recipes.starter.albums import ABSENT, Trial
from recipes.starter.background import ALBUM, album

from albumen.search.cutoff import Evidence, Signs, beyond_chance

ROOT = Path(__file__).parents[2]
RANDOM = np.random.default_rng(3)


def sought(photos: int) -> recipe.Judged:
    """An absent thing in an album of so many photos, whose scores are chance."""
    z = np.sort(RANDOM.normal(size=photos))[::-1]
    odds = RANDOM.normal(-5, 1, size=photos)
    nothing = np.zeros(photos, bool)
    trial = Trial("absent", "a thing", np.arange(photos), nothing)
    return recipe.Judged(trial, Signs(z, odds, np.ones(photos), 0.2, 0.1, 2.0), nothing)


def test_a_background_has_its_sources_in_the_albums_shares() -> None:
    rows = {source: np.arange(5000) + 5000 * place for place, source in enumerate(ALBUM)}
    chosen = album(SimpleNamespace(rows=rows), 1000, RANDOM)
    counts = Counter((chosen // 5000).tolist())
    assert len({*chosen.tolist()}) == len(chosen)
    assert [counts[place] for place in range(len(ALBUM))] == [
        round(1000 * share / sum(ALBUM.values())) for share in ALBUM.values()
    ]


def test_a_source_that_is_not_there_leaves_its_share_to_the_others() -> None:
    rows = {"coco-sample": np.arange(900), "petimages": np.arange(1000, 2000)}
    assert len(album(SimpleNamespace(rows=rows), 500, RANDOM)) == 500


@pytest.mark.parametrize("slope", [0.2, 1.0])
def test_no_more_absent_things_match_than_are_allowed_and_not_far_fewer(slope: float) -> None:
    absent = [sought(photos) for photos in (25, 200) for _ in range(300)]
    known = Evidence(0.8, recipe.first_for(absent, 0.8, slope), slope)
    falsely = np.mean([beyond_chance(one.seen, known)[1] == 0 for one in absent])
    assert recipe.FALSELY - 0.02 < falsely <= recipe.FALSELY


def test_what_is_judged_by_is_not_what_is_chosen_by() -> None:
    chosen, judged = (
        {line for line in file.read_text().splitlines() if line and not line.startswith("#")}
        for file in (ABSENT, ROOT / "bench/absent.txt")
    )
    assert chosen
    assert not chosen & judged
