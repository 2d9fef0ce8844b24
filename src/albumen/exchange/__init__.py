"""Export and import: what a person decided, as one readable file, and back by content.

document    the file's format        exporting    a library to such a file        importing    back
"""

from albumen.exchange.document import ExportError
from albumen.exchange.exporting import Exported, export, write
from albumen.exchange.importing import Imported, read, take

__all__ = ["ExportError", "Exported", "Imported", "export", "read", "take", "write"]
