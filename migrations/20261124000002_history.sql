-- The rest of the history: snapshots, rollups, summaries, alerts, and the views and functions over
-- them. Names, columns and types in the schema the tables live in are a public contract.
--
-- What the program keeps for itself is in the schema recipe_monitoring_state and is no contract.

CREATE TABLE metrics_raw (
    id          BIGSERIAL    PRIMARY KEY,
    timestamp   TIMESTAMPTZ  NOT NULL,
    metric_type VARCHAR(50)  NOT NULL CHECK (metric_type IN ('system', 'application', 'business')),
    data        JSONB        NOT NULL,
    created_at  TIMESTAMPTZ  NOT NULL DEFAULT now()
);
CREATE INDEX idx_metrics_raw_type_timestamp ON metrics_raw (metric_type, timestamp DESC);
CREATE INDEX idx_metrics_raw_timestamp ON metrics_raw (timestamp DESC);

CREATE TABLE metrics_hourly (
    id          BIGSERIAL    PRIMARY KEY,
    hour        TIMESTAMPTZ  NOT NULL,
    metric_name VARCHAR(100) NOT NULL,
    avg_value   NUMERIC      NOT NULL,
    min_value   NUMERIC      NOT NULL,
    max_value   NUMERIC      NOT NULL,
    count       INTEGER      NOT NULL,
    created_at  TIMESTAMPTZ  NOT NULL DEFAULT now(),
    CONSTRAINT metrics_hourly_hour_metric_name_key UNIQUE (hour, metric_name)
);
CREATE INDEX idx_metrics_hourly_name_hour ON metrics_hourly (metric_name, hour DESC);

CREATE TABLE daily_summaries (
    id           BIGSERIAL   PRIMARY KEY,
    date         DATE        NOT NULL UNIQUE,
    summary_data JSONB       NOT NULL,
    created_at   TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at   TIMESTAMPTZ NOT NULL DEFAULT now()
);

CREATE TABLE alert_history (
    id               BIGSERIAL    PRIMARY KEY,
    timestamp        TIMESTAMPTZ  NOT NULL,
    rule_name        VARCHAR(100) NOT NULL,
    severity         VARCHAR(20)  NOT NULL CHECK (severity IN ('critical', 'warning', 'info')),
    category         VARCHAR(50)  NOT NULL,
    message          TEXT         NOT NULL,
    metrics_snapshot JSONB        NOT NULL DEFAULT '{}',
    resolved         BOOLEAN      NOT NULL DEFAULT FALSE,
    resolved_at      TIMESTAMPTZ,
    created_at       TIMESTAMPTZ  NOT NULL DEFAULT now(),
    CONSTRAINT alert_history_resolved_has_a_time CHECK (resolved = (resolved_at IS NOT NULL))
);
CREATE INDEX idx_alert_history_timestamp ON alert_history (timestamp DESC);
CREATE INDEX idx_alert_history_active ON alert_history (rule_name) WHERE NOT resolved;

COMMENT ON TABLE metrics_raw IS 'The integrated snapshot of each minute, one row a kind';
COMMENT ON TABLE metrics_hourly IS 'Every full hour (in UTC) of every metric: of the series that stand for the whole, or where there are none of all its series';
COMMENT ON TABLE daily_summaries IS 'Every local day: numbers of every metric, and how many alerts fired';
COMMENT ON TABLE alert_history IS 'Every firing of an alert, with the true times';

-- Rows of months that have no partition yet, which only others than the program write. The job
-- partitions moves them to where they belong, and warns.
CREATE TABLE system_metrics_default PARTITION OF system_metrics DEFAULT;
-- The label host alone does not make a series a part of the whole.
COMMENT ON COLUMN system_metrics.labels IS 'What tells series of one name apart: host, and for parts of the whole mount, interface and so on';

CREATE SCHEMA recipe_monitoring_state;

-- How far each collector's spool has been taken over. Written in the transaction that takes it
-- over, which is why nothing arrives twice.
CREATE TABLE recipe_monitoring_state.streams (
    stream     UUID        PRIMARY KEY,
    host       TEXT        NOT NULL,
    position   BIGINT      NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now()
);

-- Who does the scheduled work. The epoch grows with every change of the holder.
CREATE TABLE recipe_monitoring_state.leases (
    name       TEXT        PRIMARY KEY,
    holder     UUID        NOT NULL,
    host       TEXT        NOT NULL,
    epoch      BIGINT      NOT NULL,
    expires_at TIMESTAMPTZ NOT NULL
);

-- The last success of each job on each host.
CREATE TABLE recipe_monitoring_state.job_runs (
    job           TEXT             NOT NULL,
    host          TEXT             NOT NULL,
    scheduled_for TIMESTAMPTZ      NOT NULL,
    finished_at   TIMESTAMPTZ      NOT NULL,
    seconds       DOUBLE PRECISION NOT NULL,
    did           TEXT             NOT NULL,
    PRIMARY KEY (job, host)
);

-- What metrics_hourly is for metrics, for every single series.
CREATE TABLE recipe_monitoring_state.series_hourly (
    metric_name VARCHAR(100) NOT NULL,
    labels      JSONB        NOT NULL,
    hour        TIMESTAMPTZ  NOT NULL,
    avg_value   NUMERIC      NOT NULL,
    min_value   NUMERIC      NOT NULL,
    max_value   NUMERIC      NOT NULL,
    count       INTEGER      NOT NULL,
    PRIMARY KEY (metric_name, labels, hour)
);

-- Every series there is, and hours and local days whose rollup or summary lacks something.
CREATE TABLE recipe_monitoring_state.series (
    metric_name VARCHAR(100) NOT NULL,
    labels      JSONB        NOT NULL,
    last_seen   TIMESTAMPTZ  NOT NULL,
    PRIMARY KEY (metric_name, labels)
);
CREATE TABLE recipe_monitoring_state.hours_to_aggregate (hour TIMESTAMPTZ PRIMARY KEY);
CREATE TABLE recipe_monitoring_state.days_to_summarize (date DATE PRIMARY KEY);

-- Whoever inserts samples, their series become known and their hours are aggregated (again).
--
-- An hour's mark is locked until the insert is committed, so that an aggregation that takes the
-- mark away meanwhile waits, and sees these rows. In order, so that two inserts cannot deadlock.
CREATE FUNCTION recipe_monitoring_state.note_samples() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO recipe_monitoring_state.series AS known (metric_name, labels, last_seen)
    SELECT metric_name, labels, max(timestamp) FROM samples GROUP BY metric_name, labels ORDER BY metric_name, labels
    ON CONFLICT (metric_name, labels) DO UPDATE SET last_seen = EXCLUDED.last_seen
    WHERE known.last_seen < EXCLUDED.last_seen;
    INSERT INTO recipe_monitoring_state.hours_to_aggregate AS known (hour)
    SELECT DISTINCT date_trunc('hour', timestamp, 'UTC') AS hour FROM samples ORDER BY hour
    ON CONFLICT (hour) DO UPDATE SET hour = EXCLUDED.hour;
    RETURN NULL;
END $$;
CREATE TRIGGER note_samples AFTER INSERT ON system_metrics
    REFERENCING NEW TABLE AS samples FOR EACH STATEMENT EXECUTE FUNCTION recipe_monitoring_state.note_samples();

-- What an earlier version wrote.
INSERT INTO recipe_monitoring_state.series (metric_name, labels, last_seen)
SELECT metric_name, labels, max(timestamp) FROM system_metrics GROUP BY metric_name, labels;
INSERT INTO recipe_monitoring_state.hours_to_aggregate (hour)
SELECT DISTINCT date_trunc('hour', timestamp, 'UTC') FROM system_metrics;

-- Makes the partition of the month (in UTC) that holds `moment`, with what the default partition
-- has of it; answers the number of rows that were there, NULL where the partition existed, or
-- where one that somebody else has made, of another time zone's month, leaves no room for it: the
-- default partition takes the rest then.
CREATE FUNCTION recipe_monitoring_state.make_partition(moment TIMESTAMPTZ) RETURNS BIGINT LANGUAGE plpgsql AS $$
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

-- Deletes what is older than `cutoff`: months that lie before it whole, then rows. Summaries of
-- days stay, and so do alerts that are still active.
CREATE FUNCTION recipe_monitoring_state.delete_before(cutoff TIMESTAMPTZ)
RETURNS TABLE (table_name TEXT, deleted_count BIGINT) LANGUAGE plpgsql
SET lock_timeout = '5s' AS $$
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
    DELETE FROM recipe_monitoring_state.series WHERE last_seen < cutoff;
    DELETE FROM recipe_monitoring_state.hours_to_aggregate WHERE hour < cutoff - INTERVAL '1 hour';
    -- A spool that was not heard of for so long can have nothing left that would come twice.
    DELETE FROM recipe_monitoring_state.streams WHERE updated_at < cutoff - INTERVAL '1 year';
END $$;

-- The series of a metric that stand for the whole have no label but host. Where a metric has none
-- of those, all its series count.
CREATE VIEW latest_metrics AS
SELECT newest.metric_name, newest.metric_value, newest.labels, newest.timestamp
FROM recipe_monitoring_state.series
CROSS JOIN LATERAL (
    SELECT metric_name, metric_value, labels, timestamp FROM system_metrics
    WHERE metric_name = series.metric_name AND labels = series.labels AND timestamp <= series.last_seen
    ORDER BY timestamp DESC, id DESC LIMIT 1
) AS newest;

CREATE VIEW active_alerts AS
SELECT id, timestamp, rule_name, severity, category, message, metrics_snapshot,
       extract(epoch FROM now() - timestamp)::bigint AS age_seconds
FROM alert_history WHERE NOT resolved;

CREATE MATERIALIZED VIEW metrics_last_24h AS
SELECT DISTINCT ON (metric_name) metric_name, avg_value, min_value, max_value,
       percentiles[1]::numeric AS p50, percentiles[2]::numeric AS p95, percentiles[3]::numeric AS p99, count
FROM (
    SELECT metric_name, labels - 'host' = '{}' AS whole,
           avg(metric_value) AS avg_value, min(metric_value) AS min_value, max(metric_value) AS max_value,
           percentile_cont(ARRAY[0.5, 0.95, 0.99]) WITHIN GROUP (ORDER BY metric_value::float8) AS percentiles,
           count(*) AS count
    FROM system_metrics WHERE timestamp > now() - INTERVAL '24 hours' AND timestamp <= now()
    GROUP BY metric_name, whole
) AS kinds
ORDER BY metric_name, whole DESC;
CREATE UNIQUE INDEX idx_metrics_last_24h_name ON metrics_last_24h (metric_name);

CREATE FUNCTION cleanup_old_metrics(retention_days INTEGER)
RETURNS TABLE (table_name TEXT, deleted_count BIGINT) LANGUAGE plpgsql AS $$
BEGIN
    IF retention_days IS NULL OR retention_days < 1 THEN
        RAISE EXCEPTION 'retention_days is %, and must be at least 1', coalesce(retention_days::text, 'NULL')
            USING ERRCODE = 'invalid_parameter_value', HINT = 'For example: SELECT * FROM cleanup_old_metrics(30);';
    END IF;
    RETURN QUERY SELECT * FROM recipe_monitoring_state.delete_before(now() - make_interval(days => retention_days));
END $$;

-- The window ends with now, so that what a wrong clock wrote into the future is left out.
-- Parameters by position, since their names are those of columns.
CREATE FUNCTION get_metric_stats(metric_name VARCHAR, hours INTEGER)
RETURNS TABLE (avg NUMERIC, min NUMERIC, max NUMERIC, stddev NUMERIC, p50 NUMERIC, p95 NUMERIC, p99 NUMERIC, count BIGINT)
LANGUAGE sql STABLE AS $$
    SELECT avg(value), min(value), max(value), stddev(value),
           (percentile_cont(0.5) WITHIN GROUP (ORDER BY value::float8))::numeric,
           (percentile_cont(0.95) WITHIN GROUP (ORDER BY value::float8))::numeric,
           (percentile_cont(0.99) WITHIN GROUP (ORDER BY value::float8))::numeric,
           count(*)
    FROM (
        SELECT samples.metric_value AS value, samples.labels - 'host' = '{}' AS whole,
               bool_or(samples.labels - 'host' = '{}') OVER () AS has_whole
        FROM system_metrics AS samples
        WHERE samples.metric_name = $1
          AND samples.timestamp > now() - make_interval(hours => $2) AND samples.timestamp <= now()
    ) AS window_of_samples
    WHERE whole = has_whole
$$;

CREATE FUNCTION refresh_metrics_views() RETURNS VOID LANGUAGE plpgsql AS $$
BEGIN
    REFRESH MATERIALIZED VIEW CONCURRENTLY metrics_last_24h;
END $$;

COMMENT ON VIEW latest_metrics IS 'The newest value of each series';
COMMENT ON VIEW active_alerts IS 'Alerts that are not resolved, and for how long';
COMMENT ON MATERIALIZED VIEW metrics_last_24h IS 'Numbers of every metric over 24 hours, as of the last refresh';
COMMENT ON FUNCTION cleanup_old_metrics IS 'Deletes what is older than so many days, months whole; answers rows deleted per table';
COMMENT ON FUNCTION get_metric_stats IS 'Numbers of one metric over the last so many hours';
COMMENT ON FUNCTION refresh_metrics_views IS 'Brings metrics_last_24h up to date, while others read it';
COMMENT ON SCHEMA recipe_monitoring_state IS 'What the monitoring keeps for itself; no contract';
