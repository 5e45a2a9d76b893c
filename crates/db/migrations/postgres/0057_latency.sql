-- How long calls took, as a histogram for each hour and model. `hour` counts hours since 1970; a bucket is
-- four to a doubling, from a microsecond on.
CREATE TABLE model_latency (
    org_id     uuid NOT NULL REFERENCES organisations (org_id),
    hour       bigint NOT NULL,
    model      text NOT NULL,
    bucket     bigint NOT NULL,
    answered   bigint NOT NULL,
    first_byte bigint NOT NULL,
    failed     bigint NOT NULL,
    PRIMARY KEY (org_id, hour, model, bucket)
);
CREATE INDEX model_latency_by_age ON model_latency (hour);
SELECT chancery_protect('model_latency', 'SELECT, INSERT, UPDATE', 'SELECT, DELETE');
