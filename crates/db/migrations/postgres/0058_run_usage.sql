-- What a run has taken of models, for lists of runs: its journal says the same in full. `models` is a JSON
-- array, and null where none was asked.
ALTER TABLE runs ADD COLUMN models text;
ALTER TABLE runs ADD COLUMN cost_usd_micros bigint NOT NULL DEFAULT 0;
ALTER TABLE runs ADD COLUMN unpriced bigint NOT NULL DEFAULT 0;
ALTER TABLE runs ADD COLUMN input_tokens bigint NOT NULL DEFAULT 0;
ALTER TABLE runs ADD COLUMN cached_input_tokens bigint NOT NULL DEFAULT 0;
ALTER TABLE runs ADD COLUMN output_tokens bigint NOT NULL DEFAULT 0;
