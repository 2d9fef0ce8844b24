"""`albumen.Library`: everything the command line does with photos, for programs.

from albumen import Library

with Library() as library:
    library.index("~/Pictures")
    for result in library.search("a dog on a beach", after="2023"):
        print(result.rank, result.path)
"""

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from albumen import packs
from albumen.errors import UsageError
from albumen.library.events import Committed, Event, Notice, Progress, Summary
from albumen.library.home import Home, default
from albumen.library.records import NotInLibraryError
from albumen.library.store import Photo, Store
from albumen.library.store import tags as tag_rows
from albumen.library.store.tags import Tag, TagCount
from albumen.packs import catalogue
from albumen.search import Answer, Query, Result, day_before, parse_day, run

if TYPE_CHECKING:
    from albumen.duplicates import DuplicateGroup, Level, Verdict
    from albumen.exchange import Exported, Imported
    from albumen.library.classify import Classified
    from albumen.tags import Applied, Vocabulary
    from albumen.tags.sidecars import Sidecar
    from albumen.trash import InTrash, Refused, Restored, Trashed

type_of_path = str | os.PathLike[str]
Paths = type_of_path | Sequence[type_of_path]
Day = str | date


MANY = 2000
"""New photos of whose comparison a run of `index` tells: it takes some seconds."""


class Library:
    """A library of photos, kept in one folder; the photos themselves are only ever read, but for
    `trash`, which moves them and can be undone.

    home: the folder that holds everything Albumen writes; `ALBUMEN_HOME` or the user's data folder
    when left out. pack: the model's name or folder; the one in use (`albumen packs use`), else the
    starter that comes with Albumen. device: where the model runs, "cpu" unless the installed ONNX
    Runtime offers another.

    Opening costs nothing: the library and the model are read when they are first needed. Raises
    `albumen.AlbumenError` with a message for people when something cannot be done.

    >>> with Library("my-library") as library:
    ...     summary = library.index("holiday")
    ...     print(summary.indexed, "photos")
    ...     print([result.path.name for result in library.search("a boat", limit=3)])
    """

    def __init__(
        self, home: type_of_path | None = None, pack: str | None = None, *, device: str = "cpu"
    ) -> None:
        self.home = Home(Path(home).expanduser().absolute()) if home is not None else default()
        self.device = device
        self._asked_pack = pack
        self._pack: packs.Pack | None = None
        self._store: Store | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the library's database; a later call opens it again."""
        if self._store is not None:
            self._store.close()
            self._store = None

    @property
    def store(self) -> Store:
        """The database, opened when first needed; raises `LibraryError` where there is none."""
        if self._store is None:
            self._store = Store.open(self.home, create=False)
        return self._store

    @property
    def pack(self) -> packs.Pack:
        """The model, opened when first needed; raises `PackError` for one that is not there."""
        if self._pack is None:
            folder = self.home.packs
            self._pack = packs.open_pack(self.pack_name, packs_dir=folder, device=self.device)
        return self._pack

    @property
    def pack_name(self) -> str:
        """The name or folder of the model asked for, else of the one in use, else the starter's."""
        return self._asked_pack or self._setting("pack") or catalogue.DEFAULT

    def use_pack(self) -> None:
        """Keep the model of this `Library` as the one in use; makes the library if need be."""
        name = self._name_to_find_it_by()
        with Store.open(self.home, create=True) as store:
            store.set_setting("pack", name)

    def index(
        self,
        *paths: type_of_path,
        include: Sequence[str] = (),
        exclude: Sequence[str] = (),
        hidden: bool = False,
        retry_failed: bool = False,
        progress: Callable[[Event], None] | None = None,
    ) -> Summary:
        """Take the photos of folders (or single photos) into the library; makes it if need be.

        include, exclude: patterns of names such as "*.jpg" or "thumbnails/"; hidden: also what
        begins with a dot; retry_failed: try files again that could not be read before. `progress`
        is called with `Started`, `Progress` and, after each durable commit, `Committed` events.
        What is known and unchanged is not opened again. Returns the counts of this run.

        >>> library.index("~/Pictures", exclude=["*.gif"]).failed
        0
        """
        from albumen.library import indexing  # brings every decoder along; a search needs none

        if self.pack.manifest.kind != "clip":
            raise UsageError(
                f"the pack {self.pack.name} is a {self.pack.manifest.kind}, which gives nothing to "
                "search with; photos are indexed with a CLIP pack, such as starter"
            )
        if self.device != "cpu":  # one that is not here is an error, not a reason to do without
            self.pack.open_images()

        def heard(event: Event) -> None:
            if isinstance(event, Committed) and self._setting("pack") is None:
                self.store.set_setting("pack", self._name_to_find_it_by())
            if progress is not None:
                progress(event)

        fingerprint = self._fingerprint()
        summary = indexing.index(
            self.home,
            [Path(path).expanduser().absolute() for path in paths],
            self.pack,
            include=include,
            exclude=exclude,
            hidden=hidden,
            retry_failed=retry_failed,
            fingerprint=fingerprint,
            on_event=heard,
        )
        if fingerprint is not None:
            from albumen import duplicates

            def compared(done: int, count: int) -> None:
                if done == 0 and count >= MANY and progress is not None:
                    progress(Notice(f"comparing {count:,} photos with those like them, for copies"))

            duplicates.place(self.store, fingerprint.id, compared)
        asked_for = summary.indexed and tag_rows.applied(self.store.db, self.pack.id)[0]
        if asked_for and len(self.vocabulary):
            self.apply_tags()  # photos that are new get tags as well
        return summary

    def search(
        self,
        text: str | Sequence[str] | None = None,
        *,
        like: Paths | None = None,
        without: str | Sequence[str] | None = None,
        after: Day | None = None,
        before: Day | None = None,
        under: type_of_path | None = None,
        tags: str | Sequence[str] | None = None,
        limit: int = 20,
        show_all: bool = False,
    ) -> list[Result]:
        """The photos that match the words and example pictures, most alike first.

        show_all: those as well that lie below the cut-off, with `match` False.

        text: what the photos show; like: example pictures, in the library or not; without: what
        they do not show. after, before: photos taken on or after, and earlier than, a day
        ("2023", "2023-05", "2023-05-17" or a `datetime.date`); under: a folder; tags: photos that
        have each of these tags, which may also be all that is asked. A photo comes once, all its
        copies in `paths`; those whose own words hold the query's come first. Raises `QueryError`
        when nothing is asked for.

        >>> library.search("sunset", without="people", after="2023", limit=5)
        [Result(rank=1, ...), ...]
        """
        query = Query(
            text=_several(text),
            like=tuple(Path(path) for path in _several(like)),
            negative=_several(without),
            after=_day(after),
            before=_day(before),
            under=Path(under).expanduser().absolute() if under is not None else None,
            tags=_several(tags),
            limit=limit,
            show_all=show_all,
        )
        return list(self.answer(query).results)

    def answer(self, query: Query) -> Answer:
        """The same for a `Query`; the answer says which pack ranked, and what to know of it."""
        return run(self.store, self.home, self.pack, query)

    def duplicates(
        self,
        *,
        levels: Collection["Level"] = (),
        prefer: Paths | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> "list[DuplicateGroup]":
        """Groups of copies, each with the one to keep and the reason.

        levels: any of "identical" (the same bytes or image data), "same-picture" (re-encoded,
        cropped, turned, recoloured, captioned …) and "same-moment" (a burst); all when left out.
        prefer: folders whose photos are kept where all else is equal. Photos not compared yet are
        compared first; `progress` is called with how many of them are done. Photos without
        evidence get it when they are indexed.

        >>> for group in library.duplicates(levels=["same-picture"]):
        ...     print(group.keeper, group.reason, [member.path for member in group.photos[1:]])
        """
        from albumen import duplicates

        fingerprint = self._fingerprint()
        if fingerprint is not None:
            duplicates.place(self.store, fingerprint.id, progress or (lambda done, all: None))
        return list(
            duplicates.groups(
                self.store,
                fingerprint.id if fingerprint else None,
                levels or duplicates.LEVELS,
                [Path(path).expanduser().absolute() for path in _several(prefer)],
            )
        )

    def decide(self, first: type_of_path, second: type_of_path, verdict: "Verdict") -> None:
        """Remember for good that two photos are "not-duplicates", or that one means to "keep-both".

        Such a pair is in no group any more, however the files are moved or their metadata edited.

        >>> library.decide("sea-1.jpg", "sea-2.jpg", "not-duplicates")
        """
        from albumen import duplicates

        one, other = (Path(path).expanduser().absolute() for path in (first, second))
        duplicates.decide(self.store, one, other, verdict)
        fingerprint = self._fingerprint()
        if fingerprint is not None:
            duplicates.place(self.store, fingerprint.id)

    def tags(self, photo: type_of_path) -> list[Tag]:
        """A photo's tags: those set by hand, those of its own file, then what the model found.

        >>> library.tags("cat.jpg")
        [Tag(tag='Rosie', score=1.0, by='hand'), Tag(tag='cat', score=0.83, by='model')]
        """
        return tag_rows.of_photo(self.store.db, self._photo(photo).id, self.pack.id)

    def add_tags(self, photo: type_of_path, *tags: str) -> None:
        """Give a photo tags by hand. They hang on the picture: moving the file, or writing a rating
        into it, changes nothing. Raises `LibraryError` for what can be no tag."""
        self._decide(photo, tags, has=True)

    def remove_tags(self, photo: type_of_path, *tags: str) -> None:
        """Say by hand that a photo has not these tags, whatever its file or the model says."""
        self._decide(photo, tags, has=False)

    def all_tags(self) -> list[TagCount]:
        """Every tag that is on a photo, the most frequent first."""
        return tag_rows.counts(self.store.db, self.pack.id)

    @property
    def vocabulary(self) -> "Vocabulary":
        """The tags that the model may give; assign one, or its text, to change it."""
        from albumen.tags import vocabulary

        return vocabulary.of(self.store) if self.home.db.exists() else vocabulary.default()

    @vocabulary.setter
    def vocabulary(self, value: "Vocabulary | str") -> None:
        from albumen.tags import vocabulary

        parsed = vocabulary.parse(value) if isinstance(value, str) else value
        with Store.open(self.home, create=True) as store:
            vocabulary.keep(store, parsed)

    def apply_tags(self, *, progress: Callable[[Progress], None] | None = None) -> "Applied":
        """Let the model tag every photo from the vocabulary; many get no tag. Those by hand stay.

        Photos that `index` takes in later are tagged by it. Raises `UsageError` for an empty
        vocabulary.

        >>> library.apply_tags()
        Applied(photos=1200, tagged=980)
        """
        from albumen import tags

        return tags.apply(self.store, self.pack, self.vocabulary, progress or _unheard)

    def forget_applied_tags(self) -> None:
        """Take away all tags that the model gave; `index` then gives none any more."""
        with self.store.db.transaction():
            tag_rows.forget_found(self.store.db, self.pack.id)

    def export_tags(
        self,
        to: type_of_path | None = None,
        *,
        under: type_of_path | None = None,
        by_model: bool = False,
    ) -> "Iterator[Sidecar]":
        """Write tags into XMP sidecars, beside the photos or into the folder `to`; never into them.

        A sidecar that another program wrote stays as it is. by_model: also tags that only the model
        gave. Yields what became of each.
        """
        from albumen.tags import sidecars

        return sidecars.export(
            self.store,
            self.pack.id,
            to=Path(to).expanduser().absolute() if to is not None else None,
            under=Path(under).expanduser().absolute() if under is not None else None,
            by_model=by_model,
        )

    def classify(
        self,
        *photos: type_of_path,
        labels: Sequence[str] | None = None,
        top: int = 5,
        progress: Callable[[Event], None] | None = None,
    ) -> "Iterator[Classified]":
        """What photos show, or those in folders, in the library or not: the likeliest labels.

        With a classifier pack its own labels; with a CLIP pack, which reads words, the `labels`
        given. If this `Library` was made without `pack`, labels in words ask the one in use, and
        its own labels the first classifier installed. Photos come in their order; one that cannot
        be read has a `failure` and no labels. Raises `UsageError` where labels are missing.

        >>> for photo in library.classify("cat.jpg", labels=["a cat", "a dog"]):
        ...     print(photo.path, photo.labels[0].label, photo.labels[0].probability)
        """
        from albumen.library import classify  # as in `index`

        files = classify.photos_in(Path(path).expanduser() for path in photos)
        classifier = classify.Classifier(self._pack_to_classify(labels), labels)

        def heard(done: int) -> None:
            if progress is not None:
                progress(Progress(done, len(files)))

        return classify.classify(files, classifier, top=top, on_progress=heard)

    def trash(self, *photos: type_of_path) -> "list[Trashed | Refused]":
        """Move photos to the system's trash; each comes back as `Trashed`, or `Refused` with why.

        Refused are files that the library does not know, that changed since they were indexed,
        and the last copy of a photo whose other copies are in the trash.

        >>> [one.id for one in library.trash("blurred.jpg")]
        [1]
        """
        from albumen import trash

        paths = [Path(path).expanduser() for path in photos]
        return list(trash.trash(self.store, paths))

    def restore(self, *ids: int, to: type_of_path | None = None) -> "list[Restored | Refused]":
        """Put photos back where they lay, or into the folder `to`; never onto another file."""
        from albumen import trash

        folder = None if to is None else Path(to).expanduser().absolute()
        return list(trash.restore(self.store, ids, to=folder))

    def trashed(self) -> "list[InTrash]":
        """What this library moved to the trash and what is not back yet, the latest first."""
        from albumen import trash

        return trash.in_trash(self.store)

    def export(self, file: type_of_path) -> "Exported":
        """Write what was decided by hand (tags, pairs, vocabulary) to a JSON file."""
        from albumen import exchange

        return exchange.export(self.store, Path(file).expanduser())

    def import_from(self, file: type_of_path, *, replace_vocabulary: bool = False) -> "Imported":
        """Take what `export` wrote into this library, by the photos' content; made if need be.

        Photos that are not indexed yet find it when they are. Of two decisions about the same, the
        later counts; a vocabulary of the library's own stays, unless `replace_vocabulary`.
        """
        from albumen import exchange

        document = exchange.read(Path(file).expanduser())
        with Store.open(self.home, create=True) as store:
            return exchange.take(store, document, replace_vocabulary=replace_vocabulary)

    def photos(
        self,
        *,
        after: Day | None = None,
        before: Day | None = None,
        under: type_of_path | None = None,
    ) -> Iterator[Photo]:
        """Every photo that lies somewhere at present, by the same filters as `search`.

        >>> sum(1 for photo in library.photos(after="2024"))
        318
        """
        folder = Path(under).expanduser().absolute() if under is not None else None
        last = day_before(_day(before))
        return self.store.photos(after=_day(after), before=last, under=folder)

    def _pack_to_classify(self, labels: Sequence[str] | None) -> packs.Pack:
        """The pack asked for; without one, labels in words or no labels decide."""
        if self._asked_pack is None and not labels:
            known = [*catalogue.builtin_packs(), *catalogue.installed(self.home.packs)]
            for info in known:
                if info.manifest is not None and info.manifest.kind == "classifier":
                    return packs.open_pack(info.folder, device=self.device)
        return self.pack

    def _fingerprint(self) -> packs.Pack | None:
        """The pack by which copies are found; None where it was taken away."""
        try:
            folder = catalogue.find(catalogue.FINGERPRINT, self.home.packs)
        except packs.PackError:
            return None
        return packs.open_pack(folder, device=self.device)

    def _photo(self, path: type_of_path) -> Photo:
        place = Path(path).expanduser().absolute()
        photo = self.store.photo_by_path(place)
        if photo is None:
            raise NotInLibraryError(place)
        return photo

    def _decide(self, path: type_of_path, tags: Sequence[str], *, has: bool) -> None:
        photo = self._photo(path)
        db = self.store.db
        with db.transaction():
            for tag in tags:
                tag_rows.decide(db, tag_rows.picture_of(db, photo.id), tag, has=has)

    def _name_to_find_it_by(self) -> str:
        try:
            by_name = catalogue.find(self.pack.name, self.home.packs)
        except packs.PackError:
            by_name = None
        found = by_name is not None and by_name.samefile(self.pack.folder)
        return self.pack.name if found else str(self.pack.folder.absolute())

    def _setting(self, key: str) -> str | None:
        return self.store.setting(key) if self.home.db.exists() else None


def _unheard(progress: Progress) -> None:
    """Progress that nobody asked for."""


def _several(values: object) -> tuple[str, ...]:
    if values is None:
        return ()
    if isinstance(values, (str, os.PathLike)):
        return (os.fspath(values),)
    assert isinstance(values, Iterable)
    return tuple(os.fspath(value) for value in values)


def _day(value: Day | None) -> date | None:
    return parse_day(value) if isinstance(value, str) else value
