-- Sessions: people and agents that share messages, a workspace and runs.
CREATE TABLE sessions (
    org_id         BLOB NOT NULL REFERENCES organisations (org_id),
    id             BLOB NOT NULL,
    title          TEXT NOT NULL,
    labels         TEXT NOT NULL,
    status         TEXT NOT NULL,
    workspace      TEXT NOT NULL,
    agent_ids      TEXT NOT NULL,
    created_by     BLOB,
    version        INTEGER NOT NULL,
    message_count  INTEGER NOT NULL,
    created_at_us  INTEGER NOT NULL,
    updated_at_us  INTEGER NOT NULL,
    archived_at_us INTEGER,
    PRIMARY KEY (org_id, id)
);
CREATE TABLE session_members (
    org_id      BLOB NOT NULL,
    session_id  BLOB NOT NULL,
    user_id     BLOB NOT NULL,
    added_at_us INTEGER NOT NULL,
    PRIMARY KEY (org_id, session_id, user_id),
    FOREIGN KEY (org_id, session_id) REFERENCES sessions (org_id, id)
);
CREATE INDEX session_members_by_user ON session_members (org_id, user_id, session_id);

-- Messages: the text is a sealed content of the session. `position` counts from 1 in its session,
-- whatever the clock says.
CREATE TABLE messages (
    org_id        BLOB NOT NULL,
    id            BLOB NOT NULL,
    session_id    BLOB NOT NULL,
    author_user   BLOB,
    author_agent  BLOB,
    run_id        BLOB,
    position      INTEGER NOT NULL,
    content       BLOB NOT NULL,
    size_bytes    INTEGER NOT NULL,
    failed        INTEGER NOT NULL,
    created_at_us INTEGER NOT NULL,
    PRIMARY KEY (org_id, id),
    UNIQUE (org_id, session_id, position),
    FOREIGN KEY (org_id, session_id) REFERENCES sessions (org_id, id)
);
