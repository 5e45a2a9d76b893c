-- Idempotency keys: what a repeated POST is recognised by, and the sealed answer of the first one.
-- Requests outside every organisation have the nil UUID as theirs, so no foreign key stands here.
-- `status` is NULL while the request is being worked on.

CREATE TABLE idempotency (
    org_id         BLOB NOT NULL,
    scope          BLOB NOT NULL,
    fingerprint    BLOB NOT NULL,
    instance       BLOB NOT NULL,
    reserved_at_us INTEGER NOT NULL,
    expires_at_us  INTEGER NOT NULL,
    status         INTEGER,
    answer         BLOB,
    PRIMARY KEY (org_id, scope)
) WITHOUT ROWID;
CREATE INDEX idempotency_by_expiry ON idempotency (expires_at_us);
