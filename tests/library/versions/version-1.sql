-- A library as version 1 left it: `sqlite3 library.db .dump`, with its two numbers.
PRAGMA application_id=1097622125;
PRAGMA user_version=1;
BEGIN TRANSACTION;
CREATE TABLE embedding (
  id     INTEGER PRIMARY KEY AUTOINCREMENT,
  pack   INTEGER NOT NULL REFERENCES pack ON DELETE CASCADE,
  photo  INTEGER NOT NULL REFERENCES photo ON DELETE CASCADE,
  vector BLOB NOT NULL,
  UNIQUE (pack, photo)
) STRICT;
INSERT INTO "embedding" VALUES(1,1,1,X'0038003800380038');
INSERT INTO "embedding" VALUES(2,1,2,X'0038003800380038');
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
INSERT INTO "failure" VALUES(1,3,NULL,NULL,'scan','skipped','not a picture by its name (.txt)',1,'2026-01-01T00:00:00Z',1);
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
INSERT INTO "location" VALUES(1,1,X'612E6A7067',100,5,6,1,'2026-01-01T00:00:00Z',NULL);
INSERT INTO "location" VALUES(2,1,X'6220FF2E68656963',101,5,6,2,'2026-01-01T00:00:00Z',NULL);
INSERT INTO "location" VALUES(3,1,X'6E6F7465732E747874',0,0,0,NULL,'2026-01-01T00:00:00Z',NULL);
CREATE TABLE pack (
  id         INTEGER PRIMARY KEY,
  key        TEXT NOT NULL UNIQUE,
  name       TEXT NOT NULL,
  dim        INTEGER NOT NULL,
  generation INTEGER NOT NULL DEFAULT 0
) STRICT;
INSERT INTO "pack" VALUES(1,'abababababababababababababababab','test',4,1);
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
INSERT INTO "photo" VALUES(1,X'0101010101010101010101010101010101010101010101010101010101010101',X'6969696969696969696969696969696969696969696969696969696969696969',100,'decoded','JPEG',40,30,6,'2024-05-01T10:20:30','exif','+02:00',48.1,-11.5,'Canon EOS','2026-01-01T00:00:00Z');
INSERT INTO "photo" VALUES(2,X'0202020202020202020202020202020202020202020202020202020202020202',NULL,101,'decoded','JPEG',40,30,6,'2024-05-01T10:20:30','exif','+02:00',48.1,-11.5,'Canon EOS','2026-01-01T00:00:00Z');
CREATE TABLE root (
  id      INTEGER PRIMARY KEY AUTOINCREMENT,
  path    BLOB NOT NULL UNIQUE,
  volume  INTEGER NOT NULL,
  inode   INTEGER NOT NULL,
  added   TEXT NOT NULL,
  scanned TEXT
) STRICT;
INSERT INTO "root" VALUES(1,X'2F70686F746F73',1,2,'2026-01-01T00:00:00Z',NULL);
CREATE TABLE setting (
  key   TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT;
INSERT INTO "setting" VALUES('library','0123456789abcdef0123456789abcdef');
INSERT INTO "setting" VALUES('pack','test');
CREATE INDEX photo_taken ON photo (taken);
CREATE INDEX photo_image ON photo (image_hash) WHERE image_hash IS NOT NULL;
CREATE INDEX location_photo ON location (photo) WHERE gone IS NULL;
CREATE UNIQUE INDEX failure_location ON failure (location, stage) WHERE location IS NOT NULL;
CREATE UNIQUE INDEX failure_photo ON failure (photo, stage, ifnull(pack, 0)) WHERE photo IS NOT NULL;
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('root',1);
INSERT INTO "sqlite_sequence" VALUES('photo',2);
INSERT INTO "sqlite_sequence" VALUES('location',3);
INSERT INTO "sqlite_sequence" VALUES('embedding',2);
COMMIT;
