-- The content that holds what an answer cites, as JSON, if it cites anything.
ALTER TABLE messages ADD COLUMN citations bytea;
