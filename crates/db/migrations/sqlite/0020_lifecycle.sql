-- What becomes of sessions over time: archives, legal holds, and each organisation's rules.

-- An archived session has its messages and all that belongs to them in one sealed content, and this
-- row instead of theirs.
CREATE TABLE session_archives (
    org_id        BLOB NOT NULL,
    session_id    BLOB NOT NULL,
    digest        BLOB NOT NULL,
    messages      INTEGER NOT NULL,
    size_bytes    INTEGER NOT NULL,
    created_at_us INTEGER NOT NULL,
    PRIMARY KEY (org_id, session_id),
    FOREIGN KEY (org_id, session_id) REFERENCES sessions (org_id, id),
    FOREIGN KEY (org_id, digest) REFERENCES content (org_id, digest)
) WITHOUT ROWID;
CREATE INDEX session_archives_by_content ON session_archives (org_id, digest);

-- Who said that nothing of a session may go, and the digest of why: a content of the organisation.
CREATE TABLE session_holds (
    org_id     BLOB NOT NULL,
    session_id BLOB NOT NULL,
    held_by    TEXT NOT NULL,
    reason     BLOB NOT NULL,
    held_at_us INTEGER NOT NULL,
    PRIMARY KEY (org_id, session_id),
    FOREIGN KEY (org_id, session_id) REFERENCES sessions (org_id, id)
) WITHOUT ROWID;

CREATE TABLE chat_settings (
    org_id        BLOB PRIMARY KEY REFERENCES organisations (org_id),
    settings      TEXT NOT NULL,
    version       INTEGER NOT NULL,
    updated_at_us INTEGER NOT NULL
);

-- Whoever deletes a message has to look for its turns, and finds those of a session by it.
CREATE INDEX message_turns_by_message ON message_turns (org_id, message_id);
