-- What whoever wrote a message had read: something private, something untrusted. NULL where nobody
-- noted it; then it counts as both, if an agent wrote it.
ALTER TABLE messages ADD COLUMN read_private boolean;
ALTER TABLE messages ADD COLUMN read_untrusted boolean;

-- Rolling summaries. One covers a path through the tree of messages: from its beginning up to a message
-- of a branch. It goes on from the one before it, and is written by a run of its own.
CREATE TABLE session_summaries (
    org_id          uuid NOT NULL,
    run_id          uuid NOT NULL,
    session_id      uuid NOT NULL,
    -- Of the last message that it covers, and of the first one that the summary before did not.
    branch          bigint NOT NULL,
    from_position   bigint NOT NULL,
    upto_position   bigint NOT NULL,
    previous        uuid,
    -- `running`, `ready` or `failed`.
    state           text NOT NULL,
    content         bytea,
    model           text,
    usd_micros      bigint,
    input_tokens    bigint,
    output_tokens   bigint,
    read_private    boolean NOT NULL,
    read_untrusted  boolean NOT NULL,
    created_at_us   bigint NOT NULL,
    ended_at_us     bigint,
    PRIMARY KEY (org_id, run_id),
    FOREIGN KEY (org_id, session_id) REFERENCES sessions (org_id, id)
);
CREATE INDEX session_summaries_by_session ON session_summaries (org_id, session_id, upto_position);
-- One at a time for each session.
CREATE UNIQUE INDEX session_summaries_running ON session_summaries (org_id, session_id)
    WHERE state = 'running';
SELECT chancery_protect('session_summaries', 'SELECT, INSERT, UPDATE', NULL);
