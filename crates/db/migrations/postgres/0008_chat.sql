-- Sessions: people and agents that share messages, a workspace and runs.
CREATE TABLE sessions (
    org_id         uuid NOT NULL REFERENCES organisations (org_id),
    id             uuid NOT NULL,
    title          text NOT NULL,
    labels         text NOT NULL,
    status         text NOT NULL,
    workspace      text NOT NULL,
    agent_ids      text NOT NULL,
    created_by     uuid,
    version        bigint NOT NULL,
    message_count  bigint NOT NULL,
    created_at_us  bigint NOT NULL,
    updated_at_us  bigint NOT NULL,
    archived_at_us bigint,
    PRIMARY KEY (org_id, id)
);
CREATE TABLE session_members (
    org_id      uuid NOT NULL,
    session_id  uuid NOT NULL,
    user_id     uuid NOT NULL,
    added_at_us bigint NOT NULL,
    PRIMARY KEY (org_id, session_id, user_id),
    FOREIGN KEY (org_id, session_id) REFERENCES sessions (org_id, id)
);
CREATE INDEX session_members_by_user ON session_members (org_id, user_id, session_id);

-- Messages: the text is a sealed content of the session. `position` counts from 1 in its session,
-- whatever the clock says.
CREATE TABLE messages (
    org_id        uuid NOT NULL,
    id            uuid NOT NULL,
    session_id    uuid NOT NULL,
    author_user   uuid,
    author_agent  uuid,
    run_id        uuid,
    position      bigint NOT NULL,
    content       bytea NOT NULL,
    size_bytes    bigint NOT NULL,
    failed        boolean NOT NULL,
    created_at_us bigint NOT NULL,
    PRIMARY KEY (org_id, id),
    UNIQUE (org_id, session_id, position),
    FOREIGN KEY (org_id, session_id) REFERENCES sessions (org_id, id)
);
SELECT chancery_protect('sessions', 'SELECT, INSERT, UPDATE', NULL);
SELECT chancery_protect('session_members', 'SELECT, INSERT, DELETE', NULL);
SELECT chancery_protect('messages', 'SELECT, INSERT', NULL);
