-- Guards against what others write: one row that no rollup can work with, and transactions that
-- stay open. Neither may stop the samples of anybody else.
--
-- What is repaired is counted in notices.

-- Whoever holds the tables for longer holds up only this, and not everybody behind it.
SET LOCAL lock_timeout = '30s';

-- --- rows that no rollup can work with ---

DO $$
DECLARE
    rows BIGINT;
BEGIN
    -- They are rolled up (again) under the labels that they now have.
    INSERT INTO recipe_monitoring_state.hours_to_aggregate (hour)
    SELECT DISTINCT date_trunc('hour', timestamp, 'UTC') FROM system_metrics
    WHERE jsonb_typeof(labels) <> 'object' AND isfinite(timestamp)
    ON CONFLICT DO NOTHING;
    UPDATE system_metrics SET labels = '{}' WHERE jsonb_typeof(labels) <> 'object';
    GET DIAGNOSTICS rows = ROW_COUNT;
    RAISE NOTICE 'labels that are no JSON object, made {}: % rows', rows;
    INSERT INTO recipe_monitoring_state.series AS known (metric_name, labels, last_seen)
    SELECT metric_name, '{}', max(last_seen) FROM recipe_monitoring_state.series
    WHERE jsonb_typeof(labels) <> 'object' GROUP BY metric_name
    ON CONFLICT (metric_name, labels) DO UPDATE SET last_seen = greatest(known.last_seen, EXCLUDED.last_seen);
    DELETE FROM recipe_monitoring_state.series WHERE jsonb_typeof(labels) <> 'object';
    DELETE FROM recipe_monitoring_state.series_hourly WHERE jsonb_typeof(labels) <> 'object';

    UPDATE system_metrics SET metric_value = CASE
        WHEN abs(metric_value) < 1 THEN 0 ELSE sign(metric_value) * 1.7976931348623157e308 END
    WHERE abs(metric_value) > 1.7976931348623157e308 OR (metric_value <> 0 AND abs(metric_value) < 1e-300);
    GET DIAGNOSTICS rows = ROW_COUNT;
    RAISE NOTICE 'values that are no double precision number, or would have no such average, made the nearest that are: % rows', rows;

    DELETE FROM system_metrics
    WHERE timestamp < '0001-01-01 00:00+00' OR timestamp >= '10000-01-01 00:00+00';
    GET DIAGNOSTICS rows = ROW_COUNT;
    RAISE NOTICE 'samples of no time between the years 1 and 9999, deleted: % rows', rows;
    DELETE FROM recipe_monitoring_state.series
    WHERE last_seen < '0001-01-01 00:00+00' OR last_seen >= '10000-01-01 00:00+00';
    DELETE FROM recipe_monitoring_state.hours_to_aggregate
    WHERE hour < '0001-01-01 00:00+00' OR hour >= '10000-01-01 00:00+00';

    DELETE FROM metrics_raw AS later USING metrics_raw AS first
    WHERE later.timestamp = first.timestamp AND later.metric_type = first.metric_type
      AND later.data ->> 'host' = first.data ->> 'host' AND later.id > first.id;
    GET DIAGNOSTICS rows = ROW_COUNT;
    RAISE NOTICE 'second snapshots of one kind, host and moment, deleted: % rows', rows;
END $$;

ALTER TABLE system_metrics
    ADD CONSTRAINT system_metrics_labels_are_an_object CHECK (jsonb_typeof(labels) = 'object'),
    ADD CONSTRAINT system_metrics_value_is_a_double CHECK (
        metric_value = 0 OR abs(metric_value) BETWEEN 1e-300 AND 1.7976931348623157e308),
    ADD CONSTRAINT system_metrics_timestamp_is_of_the_calendar CHECK (
        timestamp >= '0001-01-01 00:00+00' AND timestamp < '10000-01-01 00:00+00');

-- A snapshot that is collected a second time changes nothing.
CREATE UNIQUE INDEX idx_metrics_raw_once ON metrics_raw (timestamp, metric_type, (data ->> 'host'));

-- --- transactions that stay open ---

-- Every transaction leaves marks of its own, for which it has to wait for nobody: a mark is seen
-- when its rows are. An aggregation takes away the marks that it sees, and rows that are committed
-- later come with a mark that is still there.
CREATE TABLE recipe_monitoring_state.hour_marks (
    hour        TIMESTAMPTZ NOT NULL,
    transaction XID8        NOT NULL DEFAULT pg_current_xact_id()
);
CREATE INDEX idx_hour_marks_hour ON recipe_monitoring_state.hour_marks (hour, transaction);
INSERT INTO recipe_monitoring_state.hour_marks (hour) SELECT hour FROM recipe_monitoring_state.hours_to_aggregate;
DROP TABLE recipe_monitoring_state.hours_to_aggregate;
-- From hour to hour by the index: whoever inserts rows one by one leaves very many marks.
CREATE VIEW recipe_monitoring_state.hours_to_aggregate AS
WITH RECURSIVE marked AS (
    SELECT min(hour) AS hour FROM recipe_monitoring_state.hour_marks
    UNION ALL
    SELECT (SELECT min(mark.hour) FROM recipe_monitoring_state.hour_marks AS mark WHERE mark.hour > marked.hour)
    FROM marked WHERE marked.hour IS NOT NULL
)
SELECT hour FROM marked WHERE hour IS NOT NULL;

-- A series is known by any number of sightings, none of which is ever changed. A new one is noted
-- when the last is ten minutes old, so the newest sample is at most that much later than
-- last_seen. The job aggregate keeps the last one.
CREATE TABLE recipe_monitoring_state.sightings (
    metric_name VARCHAR(100) NOT NULL,
    labels      JSONB        NOT NULL,
    last_seen   TIMESTAMPTZ  NOT NULL
);
CREATE INDEX idx_sightings_series ON recipe_monitoring_state.sightings (metric_name, labels, last_seen);
INSERT INTO recipe_monitoring_state.sightings SELECT metric_name, labels, last_seen FROM recipe_monitoring_state.series;
ALTER TABLE recipe_monitoring_state.series RENAME TO old_series;
CREATE VIEW recipe_monitoring_state.series AS
SELECT metric_name, labels, max(last_seen) AS last_seen FROM recipe_monitoring_state.sightings
GROUP BY metric_name, labels;

-- By the rights of the owner: who may insert samples need not be known to what the program keeps
-- for itself.
CREATE OR REPLACE FUNCTION recipe_monitoring_state.note_samples() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO recipe_monitoring_state.sightings (metric_name, labels, last_seen)
    SELECT metric_name, labels, newest
    FROM (SELECT metric_name, labels, max(timestamp) AS newest FROM samples GROUP BY metric_name, labels) AS seen
    WHERE NOT EXISTS (
        SELECT FROM recipe_monitoring_state.sightings AS known
        WHERE known.metric_name = seen.metric_name AND known.labels = seen.labels
          AND known.last_seen >= seen.newest - INTERVAL '10 minutes');
    -- One mark for all statements of a transaction. The number alone may be that of another server
    -- that a dump was taken of.
    INSERT INTO recipe_monitoring_state.hour_marks (hour)
    SELECT hour FROM (SELECT DISTINCT date_trunc('hour', timestamp, 'UTC') AS hour FROM samples) AS hours
    WHERE NOT EXISTS (
        SELECT FROM recipe_monitoring_state.hour_marks AS mark
        WHERE mark.hour = hours.hour AND mark.transaction = pg_current_xact_id()
          AND mark.xmin = pg_current_xact_id()::xid);
    RETURN NULL;
END $$;

CREATE OR REPLACE VIEW latest_metrics AS
SELECT newest.metric_name, newest.metric_value, newest.labels, newest.timestamp
FROM recipe_monitoring_state.series
CROSS JOIN LATERAL (
    SELECT metric_name, metric_value, labels, timestamp FROM system_metrics
    WHERE metric_name = series.metric_name AND labels = series.labels
      AND timestamp <= series.last_seen + INTERVAL '10 minutes'
    ORDER BY timestamp DESC, id DESC LIMIT 1
) AS newest;
DROP TABLE recipe_monitoring_state.old_series;

-- What make_partition was, which now takes little time over a lock.
CREATE FUNCTION recipe_monitoring_state.partition_month(moment TIMESTAMPTZ) RETURNS BIGINT LANGUAGE plpgsql AS $$
DECLARE
    first  CONSTANT TIMESTAMPTZ := date_trunc('month', moment, 'UTC');
    beyond CONSTANT TIMESTAMPTZ := (first AT TIME ZONE 'UTC' + INTERVAL '1 month') AT TIME ZONE 'UTC';
    name   CONSTANT TEXT := 'system_metrics_' || to_char(first AT TIME ZONE 'UTC', 'YYYY_MM');
    moved  BIGINT;
BEGIN
    IF to_regclass(name) IS NOT NULL THEN
        RETURN NULL;
    END IF;
    -- One at a time. Not by an advisory lock: only this kind lets what others made be seen at once.
    LOCK TABLE system_metrics IN SHARE UPDATE EXCLUSIVE MODE;
    IF to_regclass(name) IS NOT NULL THEN
        RETURN NULL;
    END IF;
    EXECUTE format('CREATE TABLE %I (LIKE system_metrics INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', name);
    EXECUTE format('WITH moved AS (DELETE FROM system_metrics_default WHERE timestamp >= $1 AND timestamp < $2 RETURNING *)
                    INSERT INTO %I SELECT * FROM moved', name) USING first, beyond;
    GET DIAGNOSTICS moved = ROW_COUNT;
    EXECUTE format('ALTER TABLE system_metrics ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', name, first, beyond);
    RETURN moved;
EXCEPTION WHEN invalid_object_definition THEN
    RAISE WARNING 'no partition % can be made: %', name, SQLERRM;
    RETURN NULL;
END $$;

-- For those who write: where others hold the tables, the default partition takes the rows, and
-- the job partitions moves them later.
CREATE OR REPLACE FUNCTION recipe_monitoring_state.make_partition(moment TIMESTAMPTZ) RETURNS BIGINT LANGUAGE plpgsql
SET lock_timeout = '1s' AS $$
BEGIN
    RETURN recipe_monitoring_state.partition_month(moment);
EXCEPTION WHEN lock_not_available THEN
    RAISE WARNING 'no partition is made for %: another transaction holds the table', moment;
    RETURN NULL;
END $$;

-- Deletes what is older than `cutoff`: months that lie before it whole, then rows. Summaries of
-- days stay, and so do alerts that are still active. While others wait for the lock of a month
-- that is dropped, so do those who write: a second at the most.
CREATE OR REPLACE FUNCTION recipe_monitoring_state.delete_before(cutoff TIMESTAMPTZ)
RETURNS TABLE (table_name TEXT, deleted_count BIGINT) LANGUAGE plpgsql
SET lock_timeout = '1s' AS $$
DECLARE
    month   TEXT;
    rows    BIGINT;
    deleted BIGINT := 0;
BEGIN
    FOR month IN
        SELECT child.relname FROM pg_inherits JOIN pg_class child ON child.oid = inhrelid
        WHERE inhparent = 'system_metrics'::regclass AND child.relname ~ '^system_metrics_\d{4}_\d{2}$'
          AND (to_date(right(child.relname, 7), 'YYYY_MM') + INTERVAL '1 month') AT TIME ZONE 'UTC' <= cutoff
        ORDER BY child.relname
    LOOP
        EXECUTE format('SELECT count(*) FROM %I', month) INTO rows;
        EXECUTE format('DROP TABLE %I', month);
        deleted := deleted + rows;
    END LOOP;
    DELETE FROM system_metrics WHERE timestamp < cutoff;
    GET DIAGNOSTICS rows = ROW_COUNT;
    table_name := 'system_metrics'; deleted_count := deleted + rows;
    RETURN NEXT;
    DELETE FROM metrics_raw WHERE timestamp < cutoff;
    GET DIAGNOSTICS rows = ROW_COUNT;
    table_name := 'metrics_raw'; deleted_count := rows;
    RETURN NEXT;
    DELETE FROM metrics_hourly WHERE hour < cutoff;
    GET DIAGNOSTICS rows = ROW_COUNT;
    table_name := 'metrics_hourly'; deleted_count := rows;
    RETURN NEXT;
    DELETE FROM alert_history WHERE resolved AND resolved_at < cutoff;
    GET DIAGNOSTICS rows = ROW_COUNT;
    table_name := 'alert_history'; deleted_count := rows;
    RETURN NEXT;
    DELETE FROM recipe_monitoring_state.series_hourly WHERE hour < cutoff;
    DELETE FROM recipe_monitoring_state.sightings WHERE last_seen < cutoff - INTERVAL '10 minutes';
    DELETE FROM recipe_monitoring_state.hour_marks WHERE hour < cutoff - INTERVAL '1 hour';
    -- A spool that was not heard of for so long can have nothing left that would come twice.
    DELETE FROM recipe_monitoring_state.streams WHERE updated_at < cutoff - INTERVAL '1 year';
END $$;

COMMENT ON TABLE recipe_monitoring_state.hour_marks IS 'Hours that lack a rollup of something, one mark a transaction that wrote it';
COMMENT ON TABLE recipe_monitoring_state.sightings IS 'Series, and when they were seen';
