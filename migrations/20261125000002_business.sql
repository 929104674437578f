-- Business events. `business_events` is a public contract: people query it with psql, Grafana and
-- BI tools, and count days of whatever time zone by it:
--
--   SELECT event, sum(count) FROM business_events
--   WHERE minute >= '2026-11-25'::timestamp AT TIME ZONE 'Asia/Tokyo'
--     AND minute < '2026-11-26'::timestamp AT TIME ZONE 'Asia/Tokyo' GROUP BY event;
CREATE TABLE business_events (
    minute TIMESTAMPTZ  NOT NULL,
    event  VARCHAR(100) NOT NULL,
    count  BIGINT       NOT NULL CHECK (count >= 0),
    PRIMARY KEY (minute, event)
);

COMMENT ON TABLE business_events IS 'How often each business event happened in each minute; no row where it did not';
COMMENT ON COLUMN business_events.minute IS 'Beginning of the minute in which it happened, as the event says, not when it arrived';

-- Events that were counted and must not be again. By when they arrived: an event may tell of a
-- time long ago, and is sent again soon after it was sent.
CREATE TABLE recipe_monitoring_state.event_ids (
    event VARCHAR(100) NOT NULL,
    id    VARCHAR(255) NOT NULL,
    at    TIMESTAMPTZ  NOT NULL DEFAULT now(),
    PRIMARY KEY (event, id)
);
CREATE INDEX idx_event_ids_at ON recipe_monitoring_state.event_ids (at);

-- Up to which value each scraped counter has been counted. Written in the transaction that adds
-- what it counted, so that a collector that was down goes on where it ended.
CREATE TABLE recipe_monitoring_state.counters (
    host     TEXT             NOT NULL,
    instance TEXT             NOT NULL,
    event    VARCHAR(100)     NOT NULL,
    series   TEXT             NOT NULL,
    value    DOUBLE PRECISION NOT NULL,
    started  TIMESTAMPTZ,
    at       TIMESTAMPTZ      NOT NULL,
    PRIMARY KEY (host, instance, event, series)
);

-- Since when events are counted at all: what was before is not known, which is not 0.
CREATE TABLE recipe_monitoring_state.counting (since TIMESTAMPTZ NOT NULL);
INSERT INTO recipe_monitoring_state.counting (since) VALUES (now());
