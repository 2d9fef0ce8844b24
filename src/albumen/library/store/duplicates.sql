-- Version 4 adds what copies are found by, which photos are copies, and what was decided of pairs.

-- What is kept of a photo to find its copies, beside its fingerprint, which is the `embedding` of
-- the fingerprint's pack. `hash`: 8 bytes, perceptual; `inner_hash`: of the picture without plain
-- borders, which is the share `inner` of it; `picture`: the whole picture, small and grey.
-- It can be made again from the photo.
CREATE TABLE evidence (
  photo      INTEGER PRIMARY KEY REFERENCES photo ON DELETE CASCADE,
  hash       BLOB NOT NULL,
  inner_hash BLOB NOT NULL,
  "inner"    REAL NOT NULL,
  picture    BLOB NOT NULL
) STRICT;

-- Whose copy a photo is: it was held against `leader` itself, and its place in that picture is kept
-- (`region`: left, top, right, bottom, as float32 from 0 to 1). A photo that leads, or is nobody's
-- copy, is its own leader; one without a row was not compared yet. It can be made again.
CREATE TABLE copy (
  photo      INTEGER PRIMARY KEY REFERENCES photo ON DELETE CASCADE,
  leader     INTEGER NOT NULL REFERENCES photo ON DELETE CASCADE,
  similarity REAL NOT NULL,
  region     BLOB NOT NULL
) STRICT;
CREATE INDEX copy_leader ON copy (leader) WHERE leader <> photo;

-- What a person decided of two pictures: image hashes, or content hashes where there is none, the
-- smaller first. So a decision outlives moves, edits of metadata, and indexing anew.
CREATE TABLE pair_decision (
  first   BLOB NOT NULL,
  second  BLOB NOT NULL,
  verdict TEXT NOT NULL CHECK (verdict IN ('not-duplicates', 'keep-both')),
  at      TEXT NOT NULL,
  PRIMARY KEY (first, second),
  CHECK (first < second)
) STRICT, WITHOUT ROWID;
CREATE INDEX pair_decision_second ON pair_decision (second);
