-- Which process is the controller of which chat. A holder is one life of one process; its lease is
-- one row, however many chats it holds. Whoever takes a chat over raises the epoch, and each write of
-- a controller locks the row with its own holder and epoch: a stale one finds nothing to lock.
CREATE TABLE chat_holders (
    id            text PRIMARY KEY,
    address       text NOT NULL,
    expires_at_us bigint NOT NULL
);
GRANT SELECT, INSERT, UPDATE, DELETE ON chat_holders TO chancery_system;

-- `holder` is null once it was given back. There is no foreign key to `chat_holders`: a holder that is
-- not there is one that has gone.
CREATE TABLE chat_placements (
    org_id     uuid NOT NULL,
    session_id uuid NOT NULL,
    holder     text,
    epoch      bigint NOT NULL,
    PRIMARY KEY (org_id, session_id),
    FOREIGN KEY (org_id, session_id) REFERENCES sessions (org_id, id)
);
CREATE INDEX chat_placements_by_holder ON chat_placements (holder) WHERE holder IS NOT NULL;
-- Locking a row takes the right to update one of its columns.
SELECT chancery_protect('chat_placements', 'SELECT, UPDATE (epoch)', 'SELECT, INSERT, UPDATE');
