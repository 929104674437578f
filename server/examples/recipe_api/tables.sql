-- Run at every start, one start at a time.
BEGIN;
SELECT pg_advisory_xact_lock(hashtext('recipe_site'));

CREATE SCHEMA IF NOT EXISTS recipe_site;

CREATE TABLE IF NOT EXISTS recipe_site.users (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name TEXT NOT NULL,
    email TEXT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX IF NOT EXISTS users_email ON recipe_site.users (lower(email));

CREATE TABLE IF NOT EXISTS recipe_site.recipes (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id BIGINT NOT NULL REFERENCES recipe_site.users (id),
    title TEXT NOT NULL,
    ingredients TEXT[] NOT NULL,
    steps TEXT NOT NULL,
    views BIGINT NOT NULL DEFAULT 0,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now()
);
CREATE INDEX IF NOT EXISTS recipes_created_at ON recipe_site.recipes (created_at DESC);

CREATE TABLE IF NOT EXISTS recipe_site.ratings (
    recipe_id BIGINT NOT NULL REFERENCES recipe_site.recipes (id),
    user_id BIGINT NOT NULL REFERENCES recipe_site.users (id),
    stars SMALLINT NOT NULL CHECK (stars BETWEEN 1 AND 5),
    rated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    PRIMARY KEY (recipe_id, user_id)
);
COMMIT;
