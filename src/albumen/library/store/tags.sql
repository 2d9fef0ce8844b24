-- Version 2 adds tags, and what photos say of themselves in words.

-- A tag by name. `key` is what is compared: case and ways of writing one letter make no difference;
-- `name` is how it was first written.
CREATE TABLE tag (
  id   INTEGER PRIMARY KEY,
  key  TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL
) STRICT;

-- What a person decided: the picture has the tag (1) or has it not (0), whatever else is said of it.
-- `picture` is the photo's image_hash, or its content_hash where it has none, so that a decision
-- outlives moves, a rating written into the file, and indexing anew.
CREATE TABLE tag_decision (
  picture BLOB NOT NULL,
  tag     INTEGER NOT NULL REFERENCES tag,
  has     INTEGER NOT NULL CHECK (has IN (0, 1)),
  at      TEXT NOT NULL,
  PRIMARY KEY (picture, tag)
) STRICT, WITHOUT ROWID;
CREATE INDEX tag_decision_tag ON tag_decision (tag);

-- What a pack found of the vocabulary, and how clearly. It can be made again at any time.
CREATE TABLE tag_found (
  photo INTEGER NOT NULL REFERENCES photo ON DELETE CASCADE,
  pack  INTEGER NOT NULL REFERENCES pack ON DELETE CASCADE,
  tag   INTEGER NOT NULL REFERENCES tag,
  score REAL NOT NULL,
  PRIMARY KEY (photo, pack, tag)
) STRICT, WITHOUT ROWID;
CREATE INDEX tag_found_tag ON tag_found (tag, pack);

-- Which photos were held against a vocabulary, found in them or not. `vocabulary` hashes its words
-- and all that decides what is found.
CREATE TABLE tag_applied (
  pack       INTEGER NOT NULL REFERENCES pack ON DELETE CASCADE,
  photo      INTEGER NOT NULL REFERENCES photo ON DELETE CASCADE,
  vocabulary BLOB NOT NULL,
  PRIMARY KEY (pack, photo)
) STRICT, WITHOUT ROWID;

-- What is said in words inside a photo's file (`photo`), or in a sidecar file, which is a location
-- without a photo (`location`). `place`: names of it, such as city and country; `rating`: 0 to 5;
-- `taken`: a date that serves where the photo itself has none.
CREATE TABLE told (
  id       INTEGER PRIMARY KEY,
  photo    INTEGER UNIQUE REFERENCES photo ON DELETE CASCADE,
  location INTEGER UNIQUE REFERENCES location ON DELETE CASCADE,
  title    TEXT,
  caption  TEXT,
  place    TEXT,
  rating   INTEGER,
  taken    TEXT,
  CHECK ((location IS NULL) <> (photo IS NULL))
) STRICT;
CREATE TABLE told_keyword (
  told INTEGER NOT NULL REFERENCES told ON DELETE CASCADE,
  tag  INTEGER NOT NULL REFERENCES tag,
  PRIMARY KEY (told, tag)
) STRICT, WITHOUT ROWID;
CREATE INDEX told_keyword_tag ON told_keyword (tag);

-- Whether the words inside this photo's file were looked for; of photos indexed before, they were not.
ALTER TABLE photo ADD COLUMN words_read INTEGER NOT NULL DEFAULT 0;

-- Of which photos each record speaks. A sidecar speaks of the photos beside it: `a.jpg.xmp` of
-- `a.jpg`, and `a.xmp` of every `a.EXTENSION`.
CREATE VIEW told_of AS
  SELECT id AS told, photo FROM told WHERE photo IS NOT NULL
  UNION ALL
  SELECT t.id, l.photo
  FROM told t
  JOIN location s ON s.id = t.location AND s.gone IS NULL
  JOIN location l ON l.root = s.root
    AND l.relative >= substr(s.relative, 1, length(s.relative) - 4)
    AND l.relative < CAST(substr(s.relative, 1, length(s.relative) - 4) || '/' AS BLOB)
  WHERE l.gone IS NULL AND l.photo IS NOT NULL
    AND (l.relative = substr(s.relative, 1, length(s.relative) - 4)
      OR (substr(l.relative, length(s.relative) - 3, 1) = x'2e'
        AND instr(substr(l.relative, length(s.relative) - 2), x'2e') = 0));

-- Full text of tags' names, and of the other words; their rows are those of `tag` and `told`.
CREATE VIRTUAL TABLE tag_words USING fts5 (
  name, content = 'tag', content_rowid = 'id', tokenize = 'porter unicode61 remove_diacritics 2'
);
CREATE TRIGGER tag_added AFTER INSERT ON tag BEGIN
  INSERT INTO tag_words (rowid, name) VALUES (new.id, new.name);
END;
CREATE VIRTUAL TABLE told_words USING fts5 (
  title, caption, place, content = 'told', content_rowid = 'id',
  tokenize = 'porter unicode61 remove_diacritics 2'
);
CREATE TRIGGER told_added AFTER INSERT ON told BEGIN
  INSERT INTO told_words (rowid, title, caption, place)
  VALUES (new.id, new.title, new.caption, new.place);
END;
CREATE TRIGGER told_removed AFTER DELETE ON told BEGIN
  INSERT INTO told_words (told_words, rowid, title, caption, place)
  VALUES ('delete', old.id, old.title, old.caption, old.place);
END;
