-- Idempotency keys: what a repeated POST is recognised by, and the sealed answer of the first one.
-- Requests outside every organisation have the nil UUID as theirs, so no foreign key stands here.
-- `status` is NULL while the request is being worked on.

CREATE TABLE idempotency (
    org_id         uuid NOT NULL,
    scope          bytea NOT NULL,
    fingerprint    bytea NOT NULL,
    instance       uuid NOT NULL,
    reserved_at_us bigint NOT NULL,
    expires_at_us  bigint NOT NULL,
    status         bigint,
    answer         bytea,
    PRIMARY KEY (org_id, scope)
);
CREATE INDEX idempotency_by_expiry ON idempotency (expires_at_us);
SELECT chancery_protect('idempotency', 'SELECT, INSERT, UPDATE, DELETE', 'SELECT, INSERT, UPDATE, DELETE');
