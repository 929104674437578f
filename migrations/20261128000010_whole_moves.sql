-- Rows that move to a partition of their own were in neither place for a query that had listed the
-- partitions before and then waited for the default one. While they move, nobody else looks.

CREATE OR REPLACE FUNCTION recipe_monitoring_state.partition_month(moment TIMESTAMPTZ) RETURNS BIGINT LANGUAGE plpgsql
AS $$
DECLARE
    first  CONSTANT TIMESTAMPTZ := date_trunc('month', moment, 'UTC');
    beyond CONSTANT TIMESTAMPTZ := (first AT TIME ZONE 'UTC' + INTERVAL '1 month') AT TIME ZONE 'UTC';
    name   CONSTANT TEXT := 'system_metrics_' || to_char(first AT TIME ZONE 'UTC', 'YYYY_MM');
    moved  BIGINT;
BEGIN
    IF to_regclass(name) IS NOT NULL THEN
        RETURN NULL;
    END IF;
    -- Of the table alone, which every query locks before it lists the partitions. Not by an
    -- advisory lock: only this kind lets what others made be seen at once.
    LOCK TABLE ONLY system_metrics IN ACCESS EXCLUSIVE MODE;
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
