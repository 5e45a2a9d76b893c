-- The record: the place of each event, what the tree over them needs, and who seals.

-- Which event is number `seq` of its organisation, and its hash. Written by the sequencer alone,
-- once. There is no foreign key to `events`: nothing deletes from there, the sequencer reads what
-- it seals, and looking each one up again would cost as much as writing it.
CREATE TABLE seals (
    org_id uuid NOT NULL,
    seq    bigint NOT NULL,
    ord    bigint NOT NULL,
    hash   bytea NOT NULL,
    PRIMARY KEY (org_id, seq)
);
CREATE UNIQUE INDEX seals_by_event ON seals (ord);
SELECT chancery_protect('seals', 'SELECT', 'SELECT, INSERT');

-- How far each organisation's record reaches, and the signed checkpoint over all of it.
CREATE TABLE log_heads (
    org_id        uuid PRIMARY KEY REFERENCES organisations (org_id),
    size          bigint NOT NULL,
    last_hash     bytea NOT NULL,
    frontier      bytea NOT NULL,
    checkpoint    text NOT NULL,
    updated_at_us bigint NOT NULL
);
SELECT chancery_protect('log_heads', 'SELECT', 'SELECT, INSERT, UPDATE');

-- The tree's hashes from tile level 1 on, up to 256 in a row; level 0 is made from `seals`.
CREATE TABLE merkle_tiles (
    org_id uuid NOT NULL REFERENCES organisations (org_id),
    level  bigint NOT NULL,
    tile   bigint NOT NULL,
    hashes bytea NOT NULL,
    PRIMARY KEY (org_id, level, tile)
);
SELECT chancery_protect('merkle_tiles', 'SELECT', 'SELECT, INSERT, UPDATE');

-- The keys of each log, the oldest first. `announced_seq` and `handover` are NULL for the first
-- key, and for a later one until its predecessor has signed the checkpoint that hands over.
-- Members don't see the private halves, sealed as they are.
CREATE TABLE log_keys (
    org_id        uuid NOT NULL REFERENCES organisations (org_id),
    number        bigint NOT NULL,
    vkey          text NOT NULL,
    sealed_seed   bytea NOT NULL,
    announced_seq bigint,
    handover      text,
    created_at_us bigint NOT NULL,
    PRIMARY KEY (org_id, number)
);
SELECT chancery_protect(
    'log_keys',
    'SELECT (org_id, number, vkey, announced_seq, handover, created_at_us)',
    'SELECT, INSERT, UPDATE'
);

-- Who seals, and how far. The epoch rises with each holder and is checked in each sealing.
CREATE TABLE sequencer (
    name          text PRIMARY KEY,
    holder        text NOT NULL,
    epoch         bigint NOT NULL,
    expires_at_us bigint NOT NULL,
    cursor_xid    text NOT NULL,
    cursor_ord    bigint NOT NULL
);
INSERT INTO sequencer VALUES ('sequencer', '', 0, 0, '0', 0);
GRANT SELECT, UPDATE ON sequencer TO chancery_system;
