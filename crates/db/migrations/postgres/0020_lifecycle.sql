-- What becomes of sessions over time: archives, legal holds, and each organisation's rules.

-- An archived session has its messages and all that belongs to them in one sealed content, and this
-- row instead of theirs.
CREATE TABLE session_archives (
    org_id        uuid NOT NULL,
    session_id    uuid NOT NULL,
    digest        bytea NOT NULL,
    messages      bigint NOT NULL,
    size_bytes    bigint NOT NULL,
    created_at_us bigint NOT NULL,
    PRIMARY KEY (org_id, session_id),
    FOREIGN KEY (org_id, session_id) REFERENCES sessions (org_id, id),
    FOREIGN KEY (org_id, digest) REFERENCES content (org_id, digest)
);
CREATE INDEX session_archives_by_content ON session_archives (org_id, digest);
SELECT chancery_protect('session_archives', 'SELECT, INSERT, DELETE', NULL);

-- Who said that nothing of a session may go, and the digest of why: a content of the organisation.
CREATE TABLE session_holds (
    org_id     uuid NOT NULL,
    session_id uuid NOT NULL,
    held_by    text NOT NULL,
    reason     bytea NOT NULL,
    held_at_us bigint NOT NULL,
    PRIMARY KEY (org_id, session_id),
    FOREIGN KEY (org_id, session_id) REFERENCES sessions (org_id, id)
);
SELECT chancery_protect('session_holds', 'SELECT, INSERT, DELETE', NULL);

CREATE TABLE chat_settings (
    org_id        uuid PRIMARY KEY REFERENCES organisations (org_id),
    settings      text NOT NULL,
    version       bigint NOT NULL,
    updated_at_us bigint NOT NULL
);
SELECT chancery_protect('chat_settings', 'SELECT, INSERT, UPDATE', NULL);

-- Whoever deletes a message has to look for its turns, and finds those of a session by it.
CREATE INDEX message_turns_by_message ON message_turns (org_id, message_id);

-- What an archive takes in leaves its table, and comes back.
GRANT DELETE ON sessions, messages, message_turns, session_branches, content TO chancery_member;
GRANT INSERT, DELETE ON session_reads TO chancery_member;
