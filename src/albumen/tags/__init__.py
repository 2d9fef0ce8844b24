"""Tags: the vocabulary, which photos show what of it, and sidecars for other programs."""

from albumen.tags.tagging import Applied, apply
from albumen.tags.vocabulary import Entry, Vocabulary, VocabularyError

__all__ = ["Applied", "Entry", "Vocabulary", "VocabularyError", "apply"]
