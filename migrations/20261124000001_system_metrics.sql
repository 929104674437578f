-- Samples of all kinds, one row a number. Names, columns and types are a public contract:
-- people query this table with psql, Grafana and BI tools.
--
-- Partitioned by month (in UTC), so that old months are dropped and not deleted. The partitions
-- are made by the program before it writes into a month; there is no default partition that
-- could fill up unseen.
CREATE TABLE system_metrics (
    id           BIGSERIAL,
    timestamp    TIMESTAMPTZ  NOT NULL,
    metric_name  VARCHAR(100) NOT NULL,
    metric_value NUMERIC      NOT NULL CHECK (metric_value NOT IN ('NaN', 'Infinity', '-Infinity')),
    labels       JSONB        NOT NULL DEFAULT '{}',
    created_at   TIMESTAMPTZ  NOT NULL DEFAULT now(),
    PRIMARY KEY (timestamp, id)
) PARTITION BY RANGE (timestamp);

CREATE INDEX idx_system_metrics_timestamp ON system_metrics (timestamp DESC);
CREATE INDEX idx_system_metrics_name ON system_metrics (metric_name);
CREATE INDEX idx_system_metrics_name_timestamp ON system_metrics (metric_name, timestamp DESC);
CREATE INDEX idx_system_metrics_labels ON system_metrics USING GIN (labels);

COMMENT ON TABLE system_metrics IS 'Samples of all kinds, one row a number';
COMMENT ON COLUMN system_metrics.timestamp IS 'End of the time that the sample covers';
COMMENT ON COLUMN system_metrics.labels IS 'What tells series of one name apart; {} for the whole host';
