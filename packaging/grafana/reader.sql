-- A role that sees what the dashboard shows and can change nothing. Run it once as the owner of the tables, who needs
-- CREATEROLE, or as a superuser, then give it a password: \password grafana_reader
CREATE ROLE grafana_reader LOGIN;
GRANT USAGE ON SCHEMA public TO grafana_reader;
GRANT SELECT ON system_metrics, metrics_raw, metrics_hourly, daily_summaries, alert_history, annotations,
    latest_metrics, active_alerts, metrics_last_24h TO grafana_reader;
