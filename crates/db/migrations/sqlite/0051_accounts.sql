-- What the run behind an answer took of models and read, as JSON; and what all runs of a session took.
ALTER TABLE messages ADD COLUMN account TEXT;
ALTER TABLE sessions ADD COLUMN cost_usd_micros INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN input_tokens INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN cached_input_tokens INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN output_tokens INTEGER NOT NULL DEFAULT 0;
