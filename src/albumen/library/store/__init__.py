"""The store: what is known of the photos, in one SQLite file."""

from albumen.library.store.failures import Problem
from albumen.library.store.photos import Photo
from albumen.library.store.statistics import Stats
from albumen.library.store.store import Store

__all__ = ["Photo", "Problem", "Stats", "Store"]
