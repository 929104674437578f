-- Which collector tells people of an alert that several of one host see: `series` is the hash of the
-- rule's name and the labels, as in firings; a collector that is silent until `until` loses its claim.
CREATE TABLE recipe_monitoring_state.tellers (
    series    TEXT        PRIMARY KEY,
    collector TEXT        NOT NULL,
    until     TIMESTAMPTZ NOT NULL
);
