-- The artifacts that go with a message: their ids, as JSON.
ALTER TABLE messages ADD COLUMN attachments TEXT NOT NULL DEFAULT '[]';
