"""How many photos a pack is given at a time: as many as do not delay the next commit."""

SECONDS = 0.5
"""What a batch may take. Nothing of it can be committed before its end, and the promise is a commit
every two seconds, also where a large tower takes one for each photo."""


class Pace:
    """The size of the next batch, found by how long the last one took."""

    def __init__(self, most: int) -> None:
        self._most = most
        self.size = min(4, most)

    def took(self, photos: int, seconds: float) -> None:
        """A batch of so many photos took so long. Sizes fall at once and at most double."""
        fitting = int(photos * SECONDS / max(seconds, 1e-6))
        self.size = max(1, min(fitting, 2 * self.size, self._most))
