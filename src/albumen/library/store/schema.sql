-- The library, version 1. What is written here is the truth; everything else can be made again.
-- Paste any of it into `sqlite3 library.db`. Times of our own are UTC, ISO 8601; names are bytes,
-- since a file's name need not be valid UTF-8.

-- A folder the user added. `volume` and `inode` are the marker by which it is found again when it
-- was renamed, and told from another disk mounted at the same path.
CREATE TABLE root (
  id      INTEGER PRIMARY KEY AUTOINCREMENT,
  path    BLOB NOT NULL UNIQUE,
  volume  INTEGER NOT NULL,
  inode   INTEGER NOT NULL,
  added   TEXT NOT NULL,
  scanned TEXT
) STRICT;

-- A photo is its content, wherever it lies. 'new': known by its bytes only, to be decoded;
-- 'failed': these bytes give no picture, which `failure` explains.
CREATE TABLE photo (
  id           INTEGER PRIMARY KEY AUTOINCREMENT,
  content_hash BLOB NOT NULL UNIQUE,              -- BLAKE3 of the bytes
  image_hash   BLOB,                              -- of the picture without its metadata
  bytes        INTEGER NOT NULL,
  status       TEXT NOT NULL DEFAULT 'new' CHECK (status IN ('new', 'decoded', 'failed')),
  format       TEXT,
  width        INTEGER,                           -- as shown: upright
  height       INTEGER,
  orientation  INTEGER,                           -- what EXIF said, 1 to 8; already applied
  taken        TEXT,                              -- local time, ISO 8601
  taken_source TEXT CHECK (taken_source IN ('exif', 'xmp', 'name', 'mtime')),
  taken_offset TEXT,                              -- from UTC, '+02:00', where known
  latitude     REAL,
  longitude    REAL,
  camera       TEXT,
  added        TEXT NOT NULL
) STRICT;
CREATE INDEX photo_taken ON photo (taken);
CREATE INDEX photo_image ON photo (image_hash) WHERE image_hash IS NOT NULL;

-- Where a photo lies. `gone` is when it was found missing; the row stays, so that a disk that
-- comes back is known at once. `photo` is NULL while the file could not be read.
-- Last seen: `gone`, or else the root's `scanned`: an unchanged file costs no write.
CREATE TABLE location (
  id       INTEGER PRIMARY KEY AUTOINCREMENT,
  root     INTEGER NOT NULL REFERENCES root ON DELETE CASCADE,
  relative BLOB NOT NULL,
  size     INTEGER NOT NULL,
  mtime_ns INTEGER NOT NULL,
  inode    INTEGER NOT NULL,
  photo    INTEGER REFERENCES photo,
  added    TEXT NOT NULL,
  gone     TEXT,
  UNIQUE (root, relative)
) STRICT;
CREATE INDEX location_photo ON location (photo) WHERE gone IS NULL;

-- A pack that embedded photos: `key` hashes all that determines embeddings. `generation` grows in
-- each transaction that adds or removes one.
CREATE TABLE pack (
  id         INTEGER PRIMARY KEY,
  key        TEXT NOT NULL UNIQUE,
  name       TEXT NOT NULL,
  dim        INTEGER NOT NULL,
  generation INTEGER NOT NULL DEFAULT 0
) STRICT;

-- One vector a photo and pack: `dim` little-endian float16. Ids are never used twice, so whoever
-- read up to one may go on from there.
CREATE TABLE embedding (
  id     INTEGER PRIMARY KEY AUTOINCREMENT,
  pack   INTEGER NOT NULL REFERENCES pack ON DELETE CASCADE,
  photo  INTEGER NOT NULL REFERENCES photo ON DELETE CASCADE,
  vector BLOB NOT NULL,
  UNIQUE (pack, photo)
) STRICT;

-- What a stage could not do, of a file (`location`) or of its content (`photo`).
CREATE TABLE failure (
  id       INTEGER PRIMARY KEY,
  location INTEGER REFERENCES location ON DELETE CASCADE,
  photo    INTEGER REFERENCES photo ON DELETE CASCADE,
  pack     INTEGER REFERENCES pack ON DELETE CASCADE,
  stage    TEXT NOT NULL,
  status   TEXT NOT NULL CHECK (status IN ('skipped', 'failed')),
  reason   TEXT NOT NULL,
  lasting  INTEGER NOT NULL,                      -- 0: worth another try in the next run
  at       TEXT NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 1,
  CHECK ((location IS NULL) <> (photo IS NULL))
) STRICT;
CREATE UNIQUE INDEX failure_location ON failure (location, stage) WHERE location IS NOT NULL;
CREATE UNIQUE INDEX failure_photo ON failure (photo, stage, ifnull(pack, 0)) WHERE photo IS NOT NULL;

CREATE TABLE setting (
  key   TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT;

-- A library's own random name: a cache that was made of another library is not taken for its own.
INSERT INTO setting VALUES ('library', lower(hex(randomblob(16))));
