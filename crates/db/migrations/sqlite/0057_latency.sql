-- How long calls took, as a histogram for each hour and model. `hour` counts hours since 1970; a bucket is
-- four to a doubling, from a microsecond on.
CREATE TABLE model_latency (
    org_id     BLOB NOT NULL REFERENCES organisations (org_id),
    hour       INTEGER NOT NULL,
    model      TEXT NOT NULL,
    bucket     INTEGER NOT NULL,
    answered   INTEGER NOT NULL,
    first_byte INTEGER NOT NULL,
    failed     INTEGER NOT NULL,
    PRIMARY KEY (org_id, hour, model, bucket)
);
CREATE INDEX model_latency_by_age ON model_latency (hour);
