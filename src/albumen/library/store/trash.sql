-- Version 3 adds the journal of the trash: a move is written here before the file moves, and again
-- when it has (docs/trash.md). 'trashing' and 'restoring' are moves begun; one that was broken off
-- is settled by the next command, by what lies where.
CREATE TABLE trash_journal (
  id           INTEGER PRIMARY KEY AUTOINCREMENT,
  state        TEXT NOT NULL CHECK (state IN ('trashing', 'trashed', 'restoring', 'restored')),
  path         BLOB NOT NULL,                     -- where it lay
  location     INTEGER REFERENCES location ON DELETE SET NULL,
  content_hash BLOB NOT NULL,
  image_hash   BLOB,
  size         INTEGER NOT NULL,                  -- these three tell the file wherever it lies
  mtime_ns     INTEGER NOT NULL,
  inode        INTEGER NOT NULL,
  bin          BLOB,                              -- the trash folder; NULL: only the system knows
  name         BLOB,                              -- the file's name in there
  at           TEXT NOT NULL,                     -- when it was trashed
  target       BLOB,                              -- where it is put back, or was
  restored     TEXT
) STRICT;
CREATE INDEX trash_location ON trash_journal (location);
CREATE INDEX trash_state    ON trash_journal (state) WHERE state <> 'restored';
CREATE INDEX trash_content  ON trash_journal (content_hash) WHERE state <> 'restored';
CREATE INDEX trash_image    ON trash_journal (image_hash)
  WHERE state <> 'restored' AND image_hash IS NOT NULL;
