-- Annotations: moments and spans of time that somebody has marked, a deploy for one. `annotations`
-- is a public contract; a row that is inserted or deleted by whatever means is on open pages within
-- two seconds:
--
--   INSERT INTO annotations (timestamp, text, tags) VALUES (now(), 'Deploy 1.4.2', '{deploy}');
--
-- They are what people have written, and few: the clean-up by retention leaves them, as it leaves
-- daily_summaries.
CREATE TABLE annotations (
    id         TEXT        PRIMARY KEY DEFAULT gen_random_uuid()::text,
    timestamp  TIMESTAMPTZ NOT NULL DEFAULT now(),
    ends_at    TIMESTAMPTZ,
    text       TEXT        NOT NULL,
    tags       TEXT[]      NOT NULL DEFAULT '{}',
    created_by TEXT        NOT NULL DEFAULT '',
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    CONSTRAINT annotations_id_is_a_name CHECK (char_length(id) BETWEEN 1 AND 200),
    CONSTRAINT annotations_timestamp_is_of_the_calendar CHECK (
        timestamp >= '0001-01-01 00:00+00' AND timestamp < '10000-01-01 00:00+00'),
    CONSTRAINT annotations_end_is_not_before CHECK (ends_at >= timestamp AND ends_at < '10000-01-01 00:00+00'),
    CONSTRAINT annotations_text_is_a_sentence CHECK (char_length(text) BETWEEN 1 AND 1000),
    CONSTRAINT annotations_tags_are_few CHECK (cardinality(tags) <= 20 AND array_position(tags, NULL) IS NULL)
);
CREATE INDEX idx_annotations_timestamp ON annotations (timestamp DESC);
CREATE INDEX idx_annotations_end ON annotations (coalesce(ends_at, timestamp) DESC);

COMMENT ON TABLE annotations IS 'Moments and spans of time that somebody has marked; no clean-up deletes them';
COMMENT ON COLUMN annotations.id IS 'Chosen by whoever marks it, so that marking it again changes nothing, or by the program';
COMMENT ON COLUMN annotations.ends_at IS 'End of a span of time; NULL: a moment';
COMMENT ON COLUMN annotations.created_by IS 'Who has marked it, as far as that was said';

-- Tells whoever listens to live events which annotation is another one, or where a statement touches
-- several, that some are; in the form that the collectors write live events in.
CREATE FUNCTION recipe_monitoring_state.tell_of_annotations() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    at      CONSTANT TEXT := to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"');
    touched BIGINT;
    one     TEXT;
BEGIN
    SELECT count(*), min(id) INTO touched, one FROM changed;
    IF touched > 0 THEN
        PERFORM pg_notify('recipe_monitoring_live', '0 0 1 ' || json_build_object(
            'seq', 0, 'event', 'annotation:changed', 'at', at,
            'data', json_build_object('id', CASE touched WHEN 1 THEN one END, 'at', at)));
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER tell_of_new_annotations AFTER INSERT ON annotations
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION recipe_monitoring_state.tell_of_annotations();
CREATE TRIGGER tell_of_other_annotations AFTER UPDATE ON annotations
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION recipe_monitoring_state.tell_of_annotations();
CREATE TRIGGER tell_of_old_annotations AFTER DELETE ON annotations
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION recipe_monitoring_state.tell_of_annotations();
