"""The trash: moves photos to the system's trash, journalled before and after, and puts them back.

records   what goes in and out                 journal   the table `trash_journal`
known     may this file be trashed?            settling  what is on the disk, written down
bins      which trash folder, and is it safe   trashing  there
moving    moves that replace nothing           restoring and back
native    the trash of macOS and Windows       turn      one process of a library at a time
"""

from albumen.trash.records import InTrash, Refused, Restored, Trashed
from albumen.trash.restoring import in_trash, restore
from albumen.trash.trashing import trash

__all__ = ["InTrash", "Refused", "Restored", "Trashed", "in_trash", "restore", "trash"]
