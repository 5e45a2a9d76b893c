-- What the run behind an answer took of models and read, as JSON; and what all runs of a session took.
ALTER TABLE messages ADD COLUMN account text;
ALTER TABLE sessions ADD COLUMN cost_usd_micros bigint NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN input_tokens bigint NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN cached_input_tokens bigint NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN output_tokens bigint NOT NULL DEFAULT 0;
