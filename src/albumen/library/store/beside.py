"""Which records of words speak of a photo: its own, and those of the sidecars beside it.

The view `told_of` leads from a record to its photos; this is the other way, by the few names that a
sidecar can have. The view would look at every file of the root.
"""

from albumen.library.store.connection import Database, placeholders


def records_of(db: Database, photo: int) -> list[int]:
    """Rows of `told`: the photo's own first, then its sidecars' by name."""
    records = db.execute("SELECT id FROM told WHERE photo = ?", (photo,)).fetchall()
    places = db.execute(
        "SELECT root, relative FROM location WHERE photo = ? AND gone IS NULL", (photo,)
    ).fetchall()
    for root, relative in places:
        names = _names(relative)
        records += db.execute(
            f"""SELECT t.id FROM location s JOIN told t ON t.location = s.id
                WHERE s.root = ? AND s.gone IS NULL AND s.relative IN ({placeholders(len(names))})
                ORDER BY s.relative""",
            (root, *names),
        ).fetchall()
    return list(dict.fromkeys(row[0] for row in records))


def _names(relative: bytes) -> list[bytes]:
    """`a.jpg.xmp` and `a.xmp` for `a.jpg`."""
    folder, slash, name = relative.rpartition(b"/")
    stems = dict.fromkeys([name, name.rpartition(b".")[0] or name])
    return [folder + slash + stem + end for stem in stems for end in (b".xmp", b".XMP")]
