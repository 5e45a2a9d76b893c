-- What whoever wrote a message had read: something private, something untrusted. NULL where nobody
-- noted it; then it counts as both, if an agent wrote it.
ALTER TABLE messages ADD COLUMN read_private INTEGER;
ALTER TABLE messages ADD COLUMN read_untrusted INTEGER;

-- Rolling summaries. One covers a path through the tree of messages: from its beginning up to a message
-- of a branch. It goes on from the one before it, and is written by a run of its own.
CREATE TABLE session_summaries (
    org_id          BLOB NOT NULL,
    run_id          BLOB NOT NULL,
    session_id      BLOB NOT NULL,
    -- Of the last message that it covers, and of the first one that the summary before did not.
    branch          INTEGER NOT NULL,
    from_position   INTEGER NOT NULL,
    upto_position   INTEGER NOT NULL,
    previous        BLOB,
    -- `running`, `ready` or `failed`.
    state           TEXT NOT NULL,
    content         BLOB,
    model           TEXT,
    usd_micros      INTEGER,
    input_tokens    INTEGER,
    output_tokens   INTEGER,
    read_private    INTEGER NOT NULL,
    read_untrusted  INTEGER NOT NULL,
    created_at_us   INTEGER NOT NULL,
    ended_at_us     INTEGER,
    PRIMARY KEY (org_id, run_id),
    FOREIGN KEY (org_id, session_id) REFERENCES sessions (org_id, id)
);
CREATE INDEX session_summaries_by_session ON session_summaries (org_id, session_id, upto_position);
-- One at a time for each session.
CREATE UNIQUE INDEX session_summaries_running ON session_summaries (org_id, session_id)
    WHERE state = 'running';
