"""What the owner decides of two photos, remembered for good."""

from pathlib import Path

from albumen.library.records import LibraryError
from albumen.library.store import Photo, Store, copies, pair_decisions
from albumen.library.store.pair_decisions import Verdict


def decide(store: Store, first: Path, second: Path, verdict: Verdict) -> None:
    """Remember that two photos are no duplicates, or that both are kept.

    The group that they are in is made anew with the next `placing.place`. Raises LibraryError for a
    path that the library does not know, and for two paths of one photo.
    """
    photos = [_known(store, path) for path in (first, second)]
    key = pair_decisions.key_of(store.db, photos[0].id, photos[1].id)
    with store.db.transaction():
        pair_decisions.decide(store.db, key, verdict)
        places = copies.places(store.db, [photo.id for photo in photos])
        leaders = sorted({place.leader for place in places.values()})
        for members in copies.members(store.db, leaders).values():
            copies.forget(store.db, [member.photo for member in members])


def _known(store: Store, path: Path) -> Photo:
    photo = store.photo_by_path(path)
    if photo is None:
        raise LibraryError(f"{path} is not in the library; take it in with: albumen index FOLDER")
    return photo
