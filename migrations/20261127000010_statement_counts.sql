-- What pg_stat_statements had counted of the statements that take most time, once an hour for eight
-- days, so that a day can be compared with the one before. Counts go on until the statistics are reset.
CREATE TABLE recipe_monitoring_state.statement_counts (
    taken_at TIMESTAMPTZ      NOT NULL,
    queryid  BIGINT           NOT NULL,
    calls    BIGINT           NOT NULL,
    total_ms DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (queryid, taken_at)
);
CREATE INDEX idx_statement_counts_taken_at ON recipe_monitoring_state.statement_counts (taken_at);
