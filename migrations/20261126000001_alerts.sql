-- Firings of alerts by the id that the collector gave them, so that one which comes again is known,
-- and so is one that two collectors of one host have both seen. `alert_id` is the row of
-- alert_history, `series` the hash of the rule's name and the labels, `details` what of the alert
-- the table of the contract has no column for.
CREATE TABLE recipe_monitoring_state.firings (
    id       TEXT    PRIMARY KEY,
    alert_id BIGINT  NOT NULL REFERENCES alert_history ON DELETE CASCADE,
    series   TEXT    NOT NULL,
    is_open  BOOLEAN NOT NULL DEFAULT TRUE,
    details  JSONB   NOT NULL
);
CREATE UNIQUE INDEX idx_firings_open ON recipe_monitoring_state.firings (series) WHERE is_open;
CREATE INDEX idx_firings_alert ON recipe_monitoring_state.firings (alert_id);
