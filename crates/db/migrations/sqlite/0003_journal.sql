-- The record: the place of each event, what the tree over them needs, and who seals.

-- Which event is number `seq` of its organisation, and its hash. Written by the sequencer alone,
-- once. There is no foreign key to `events`: nothing deletes from there, the sequencer reads what
-- it seals, and looking each one up again would cost as much as writing it.
CREATE TABLE seals (
    org_id BLOB NOT NULL,
    seq    INTEGER NOT NULL,
    ord    INTEGER NOT NULL,
    hash   BLOB NOT NULL,
    PRIMARY KEY (org_id, seq)
) WITHOUT ROWID;
CREATE UNIQUE INDEX seals_by_event ON seals (ord);

CREATE TRIGGER seals_are_not_updated BEFORE UPDATE ON seals
BEGIN SELECT RAISE(ABORT, 'seals are append-only'); END;
CREATE TRIGGER seals_are_not_deleted BEFORE DELETE ON seals
BEGIN SELECT RAISE(ABORT, 'seals are append-only'); END;

-- How far each organisation's record reaches, and the signed checkpoint over all of it.
CREATE TABLE log_heads (
    org_id        BLOB PRIMARY KEY REFERENCES organisations (org_id),
    size          INTEGER NOT NULL,
    last_hash     BLOB NOT NULL,
    frontier      BLOB NOT NULL,
    checkpoint    TEXT NOT NULL,
    updated_at_us INTEGER NOT NULL
);

-- The tree's hashes from tile level 1 on, up to 256 in a row; level 0 is made from `seals`.
CREATE TABLE merkle_tiles (
    org_id BLOB NOT NULL REFERENCES organisations (org_id),
    level  INTEGER NOT NULL,
    tile   INTEGER NOT NULL,
    hashes BLOB NOT NULL,
    PRIMARY KEY (org_id, level, tile)
) WITHOUT ROWID;

-- The keys of each log, the oldest first. `announced_seq` and `handover` are NULL for the first
-- key, and for a later one until its predecessor has signed the checkpoint that hands over.
CREATE TABLE log_keys (
    org_id        BLOB NOT NULL REFERENCES organisations (org_id),
    number        INTEGER NOT NULL,
    vkey          TEXT NOT NULL,
    sealed_seed   BLOB NOT NULL,
    announced_seq INTEGER,
    handover      TEXT,
    created_at_us INTEGER NOT NULL,
    PRIMARY KEY (org_id, number)
);

-- Who seals, and how far. The epoch rises with each holder and is checked in each sealing.
CREATE TABLE sequencer (
    name          TEXT PRIMARY KEY,
    holder        TEXT NOT NULL,
    epoch         INTEGER NOT NULL,
    expires_at_us INTEGER NOT NULL,
    cursor_xid    TEXT NOT NULL,
    cursor_ord    INTEGER NOT NULL
);
INSERT INTO sequencer VALUES ('sequencer', '', 0, 0, '0', 0);
