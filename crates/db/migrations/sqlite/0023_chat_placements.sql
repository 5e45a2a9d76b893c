-- Which process is the controller of which chat. SQLite has one process, which holds every chat without
-- a row; the tables are here so that both databases have the same schema.
CREATE TABLE chat_holders (
    id            TEXT PRIMARY KEY,
    address       TEXT NOT NULL,
    expires_at_us INTEGER NOT NULL
);
CREATE TABLE chat_placements (
    org_id     BLOB NOT NULL,
    session_id BLOB NOT NULL,
    holder     TEXT,
    epoch      INTEGER NOT NULL,
    PRIMARY KEY (org_id, session_id),
    FOREIGN KEY (org_id, session_id) REFERENCES sessions (org_id, id)
);
CREATE INDEX chat_placements_by_holder ON chat_placements (holder) WHERE holder IS NOT NULL;
