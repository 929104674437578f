-- The audit log: what somebody has changed, and who tried to log in. `audit_log` is a public contract.
--
-- A row is durable before the action is answered: it is appended to a file of the data directory, and moved from
-- there exactly once, by its id. So `created_at` may be later than `timestamp` where PostgreSQL was away.
--
-- No clean-up deletes it: it is what somebody looks at long after. Rows are few; whoever must not keep them, or their
-- addresses, for ever deletes them by hand: DELETE FROM audit_log WHERE timestamp < now() - interval '1 year';
CREATE TABLE audit_log (
    id         UUID        PRIMARY KEY,
    timestamp  TIMESTAMPTZ NOT NULL,
    actor      TEXT        NOT NULL,
    role       TEXT        NOT NULL DEFAULT '',
    action     TEXT        NOT NULL,
    object     TEXT        NOT NULL DEFAULT '',
    detail     JSONB       NOT NULL DEFAULT '{}',
    address    TEXT        NOT NULL DEFAULT '',
    ok         BOOLEAN     NOT NULL,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now()
);
CREATE INDEX idx_audit_log_timestamp ON audit_log (timestamp DESC, id DESC);

COMMENT ON TABLE audit_log IS 'What somebody has changed, and who tried to log in; no clean-up deletes it';
COMMENT ON COLUMN audit_log.id IS 'UUIDv7, given when it happened: by it a row arrives once';
COMMENT ON COLUMN audit_log.timestamp IS 'When it happened';
COMMENT ON COLUMN audit_log.actor IS 'Name of the user; token:NAME for an API token; cli:NAME for the command line; anonymous where nobody is logged in';
COMMENT ON COLUMN audit_log.role IS 'viewer, operator or admin; scopes of an API token; empty where there is neither';
COMMENT ON COLUMN audit_log.action IS 'Such as login, user.add, token.remove, alert.acknowledge, silence.add, annotation.remove';
COMMENT ON COLUMN audit_log.object IS 'What it was done to: a user, a token, an alert, a path';
COMMENT ON COLUMN audit_log.detail IS 'More of it, by the kind of action; never a password or a token';
COMMENT ON COLUMN audit_log.address IS 'Where the request came from; empty for the command line';
COMMENT ON COLUMN audit_log.ok IS 'FALSE: it was refused or failed, and nothing has changed';
COMMENT ON COLUMN audit_log.created_at IS 'When the row was written';
