"""What the cards of shipped packs say alike: the licence of weights, and the table of sources."""

from collections.abc import Iterable

from albumen.packs import manifest

LICENCE = manifest.Licence(
    "LicenseRef-albumen-starter",
    "CARD.md",
    "private, non-commercial and research use; its sources have mixed terms: see the card",
)


def sources_table(used: Iterable[manifest.Source]) -> str:
    """A line for each set of pictures: where it is from, how many were used, on which terms."""
    lines = ["| pictures | from | how many | terms |", "|---|---|---|---|"]
    lines += [f"| {s.name} | {s.where} | {s.pictures:,} | {s.terms} |" for s in used]
    return "\n".join(lines)
