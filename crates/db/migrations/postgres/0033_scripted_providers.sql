-- What a provider without a host answers.
ALTER TABLE model_providers ADD COLUMN script TEXT;
