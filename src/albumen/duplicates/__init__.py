"""Copies of photos: found by evidence, grouped without chains, decided on by their owner.

photos      what is known of each, a row each     candidates  pairs that may be copies
alignment   one picture laid over another         comparing   how well the two then agree
parallax    whether part of a scene moved
squares     small grey pictures at several sizes  placing     who is whose copy, kept in the library
levels      the groups that a person sees         keeper      which to keep, and why
deciding    what the owner decided of a pair      page        groups side by side, as one HTML page
"""

from albumen.duplicates.deciding import decide
from albumen.duplicates.levels import LEVELS, DuplicateGroup, Level, Member, groups
from albumen.duplicates.placing import place
from albumen.library.store.pair_decisions import Verdict

__all__ = ["LEVELS", "DuplicateGroup", "Level", "Member", "Verdict", "decide", "groups", "place"]
