"""What a tag may be called, and when two names are one."""

import unicodedata

from albumen.library.records import LibraryError

LONGEST = 200
"""Characters of a tag: more is a caption."""

# Marks that are not seen (RTL override and the like) would let one tag pass for another; those stay
# that emoji and Persian are written with: two joiners, and the letters of a flag.
_JOINERS = "\u200c\u200d" + "".join(map(chr, range(0xE0020, 0xE0080)))


def clean(name: str) -> str:
    """A tag as it is kept: one line, composed; raises LibraryError for what can be no tag."""
    try:
        name.encode()
    except UnicodeEncodeError:
        raise LibraryError(f"the tag {name!r} is not valid text; write it in UTF-8") from None
    spaced = "".join(" " if unicodedata.category(c) == "Cc" else c for c in name)
    seen = "".join(c for c in spaced if c in _JOINERS or unicodedata.category(c) != "Cf")
    plain = " ".join(unicodedata.normalize("NFC", seen).split())
    if not plain.strip(_JOINERS):
        raise LibraryError("a tag needs at least one character that can be seen")
    if len(plain) > LONGEST:
        raise LibraryError(f'the tag "{plain[:40]} …" is longer than {LONGEST} characters')
    return plain


def key(name: str) -> str:
    """What two spellings of one tag have in common: "Café", "CAFÉ" and "cafe\u0301"."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
