//! Whether everything is in the database that the program and its users need, and whether the
//! role may do with it what it has to.

use sqlx::migrate::Migrator;

use super::{Store, StoreError};

/// What there must be. Names without a schema are public and lie where `system_metrics` does.
const OBJECTS: [(Object, &str); 36] = [
    (Object::Table, "system_metrics"),
    (Object::Table, "metrics_raw"),
    (Object::Table, "metrics_hourly"),
    (Object::Table, "daily_summaries"),
    (Object::Table, "alert_history"),
    (Object::Table, "business_events"),
    (Object::Table, "annotations"),
    (Object::Table, "audit_log"),
    (Object::Table, "recipe_monitoring_state.streams"),
    (Object::Table, "recipe_monitoring_state.leases"),
    (Object::Table, "recipe_monitoring_state.job_runs"),
    (Object::Table, "recipe_monitoring_state.series_hourly"),
    (Object::Table, "recipe_monitoring_state.sightings"),
    (Object::Table, "recipe_monitoring_state.hour_marks"),
    (Object::Table, "recipe_monitoring_state.days_to_summarize"),
    (Object::Table, "recipe_monitoring_state.event_ids"),
    (Object::Table, "recipe_monitoring_state.counters"),
    (Object::Table, "recipe_monitoring_state.counting"),
    (Object::Table, "recipe_monitoring_state.statement_counts"),
    (Object::Trigger, "note_samples"),
    (Object::Trigger, "tell_of_new_annotations"),
    (Object::Trigger, "tell_of_other_annotations"),
    (Object::Trigger, "tell_of_old_annotations"),
    (Object::View, "latest_metrics"),
    (Object::View, "active_alerts"),
    (Object::View, "metrics_last_24h"),
    (Object::View, "recipe_monitoring_state.series"),
    (Object::View, "recipe_monitoring_state.hours_to_aggregate"),
    (Object::Function, "get_metric_stats"),
    (Object::Function, "refresh_metrics_views"),
    (Object::Routine, "cleanup_old_metrics"),
    (Object::Routine, "recipe_monitoring_state.note_samples"),
    (Object::Routine, "recipe_monitoring_state.make_partition"),
    (Object::Routine, "recipe_monitoring_state.partition_month"),
    (Object::Routine, "recipe_monitoring_state.delete_before"),
    (Object::Routine, "recipe_monitoring_state.tell_of_annotations"),
];

/// Kinds of what there must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Object {
    /// A table.
    Table,
    /// A trigger of `system_metrics` or `annotations`.
    Trigger,
    /// A view, materialized or not.
    View,
    /// A function that answers something.
    Function,
    /// A function that works on the tables, and is part of what they are.
    Routine,
}

impl Object {
    fn name(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Trigger => "trigger",
            Self::View => "view",
            Self::Function | Self::Routine => "function",
        }
    }
}

/// What is wrong with the database.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    /// The schema is that of an earlier version, or of none.
    #[error("{missing} migrations have not been run here; run: recipe-monitoring-collector migrate")]
    Outdated {
        /// How many.
        missing: usize,
    },
    /// Somebody dropped or disabled it.
    #[error("the {kind} {name} is missing; run its CREATE statement in {migration} again as the owner of the tables")]
    Missing {
        /// What it is.
        kind: &'static str,
        /// Its name.
        name: String,
        /// The file that made it.
        migration: String,
    },
    /// The role may not do what it has to.
    #[error("the role {role} lacks rights in the database {database}; an administrator can give them with: {}", .statements.join(" "))]
    Rights {
        /// Who.
        role: String,
        /// Where.
        database: String,
        /// SQL statements that give them.
        statements: Vec<String>,
    },
    /// It could not be found out.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// How the database's migrations stand to the program's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Migrations {
    /// Those that were run, however they went.
    pub(crate) run: usize,
    /// Those of this program that were not, or failed.
    pub(crate) missing: usize,
    /// Those that this program does not know.
    pub(crate) newer: Vec<i64>,
}

impl From<sqlx::Error> for SchemaError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

impl Store {
    /// Sees that the role may do all that it has to, now and in later migrations.
    ///
    /// # Errors
    ///
    /// [`SchemaError::Rights`] with the statements for an administrator.
    pub async fn check_rights(&self) -> Result<(), SchemaError> {
        let (role, database): (String, String) =
            sqlx::query_as("SELECT quote_ident(current_user), quote_ident(current_database())")
                .fetch_one(&self.pool)
                .await?;
        let mut statements: Vec<String> = sqlx::query_scalar(SCHEMA_RIGHTS).fetch_all(&self.pool).await?;
        let owned: Vec<String> = sqlx::query_scalar(OBJECT_RIGHTS).bind(names()).fetch_all(&self.pool).await?;
        statements.extend(owned);
        if statements.is_empty() {
            return Ok(());
        }
        Err(SchemaError::Rights { role, database, statements })
    }

    /// Sees that every migration has been run and that nothing of these kinds has been dropped since.
    ///
    /// # Errors
    ///
    /// The first of [`SchemaError`] that is found.
    pub async fn check_objects(&self, kinds: &[Object]) -> Result<(), SchemaError> {
        let migrator = migrations();
        let missing = self.missing_migrations(&migrator).await?;
        if missing > 0 {
            return Err(SchemaError::Outdated { missing });
        }
        let present: Vec<String> = sqlx::query_scalar(PRESENT).fetch_all(&self.pool).await?;
        let gone = OBJECTS.iter().find(|(kind, name)| {
            kinds.contains(kind) && !present.iter().any(|known| *known == format!("{} {name}", kind.name()))
        });
        match gone {
            Some((kind, name)) => Err(SchemaError::Missing {
                kind: kind.name(),
                name: (*name).to_owned(),
                migration: migration_of(&migrator, *kind, name),
            }),
            None => Ok(()),
        }
    }

    /// How the migrations that were run here stand to those that this program has; `None` where the
    /// role may not see it.
    pub(crate) async fn migrations(&self) -> Result<Option<Migrations>, StoreError> {
        let sql = "SELECT has_table_privilege(to_regclass('_sqlx_migrations'), 'SELECT')";
        let run: Vec<(i64, bool)> = match sqlx::query_scalar(sql).fetch_one(&self.pool).await? {
            Some(false) => return Ok(None),
            Some(true) => {
                let sql = "SELECT version, success FROM _sqlx_migrations ORDER BY version";
                sqlx::query_as(sql).fetch_all(&self.pool).await?
            }
            None => Vec::new(),
        };
        let migrator = sqlx::migrate!("../migrations");
        let known: Vec<i64> = migrator.iter().map(|migration| migration.version).collect();
        let succeeded = |version: &i64| run.contains(&(*version, true));
        Ok(Some(Migrations {
            run: run.len(),
            missing: known.iter().filter(|version| !succeeded(version)).count(),
            newer: run.iter().map(|(version, _)| *version).filter(|version| !known.contains(version)).collect(),
        }))
    }

    async fn missing_migrations(&self, migrator: &Migrator) -> Result<usize, StoreError> {
        let readable: Option<bool> =
            sqlx::query_scalar("SELECT has_table_privilege(to_regclass('_sqlx_migrations'), 'SELECT')")
                .fetch_one(&self.pool)
                .await?;
        let run: Vec<i64> = match readable {
            Some(true) => {
                let sql = "SELECT version FROM _sqlx_migrations WHERE success";
                sqlx::query_scalar(sql).fetch_all(&self.pool).await?
            }
            // That is a matter of rights.
            Some(false) => return Ok(0),
            None => Vec::new(),
        };
        Ok(migrator.iter().filter(|migration| !run.contains(&migration.version)).count())
    }
}

/// All that there are.
pub(super) fn migrations() -> Migrator {
    sqlx::migrate!("../migrations")
}

/// Names of relations and functions, each once.
fn names() -> Vec<&'static str> {
    OBJECTS.iter().map(|(_, name)| name.rsplit('.').next().unwrap_or(name)).chain(["_sqlx_migrations"]).collect()
}

/// Names of the public ones: those that lie where others' may lie, too.
pub(super) fn public_names() -> Vec<&'static str> {
    let names = OBJECTS.iter().map(|(_, name)| *name);
    names.filter(|name| !name.contains('.')).chain(["_sqlx_migrations"]).collect()
}

/// The file whose statement made it last.
fn migration_of(migrator: &Migrator, kind: Object, name: &str) -> String {
    let statement = format!("{} {name}", kind.name().to_uppercase());
    let made = migrator.iter().rfind(|migration| migration.sql.as_str().contains(&statement));
    made.map_or_else(
        || "migrations/".to_owned(),
        |migration| format!("migrations/{}_{}.sql", migration.version, migration.description.replace(' ', "_")),
    )
}

/// Where the public tables lie, or will.
const SCHEMA_RIGHTS: &str = "
    WITH home AS (
        SELECT coalesce((SELECT relnamespace FROM pg_class WHERE oid = to_regclass('system_metrics')),
                        to_regnamespace(quote_ident(current_schema())), to_regnamespace('public')) AS oid)
    SELECT format('GRANT USAGE, CREATE ON SCHEMA %s TO %I;', oid::regnamespace, current_user)
    FROM home WHERE NOT (has_schema_privilege(oid, 'USAGE') AND has_schema_privilege(oid, 'CREATE'))
    UNION ALL
    SELECT format('GRANT CREATE ON DATABASE %I TO %I;', current_database(), current_user)
    WHERE to_regnamespace('recipe_monitoring_state') IS NULL
      AND NOT has_database_privilege(current_database(), 'CREATE')
    UNION ALL
    SELECT format('ALTER SCHEMA %I OWNER TO %I;', nspname, current_user)
    FROM pg_namespace WHERE nspname = 'recipe_monitoring_state' AND NOT pg_has_role(nspowner, 'USAGE')";

/// Partitions are made and dropped, and views refreshed, only by their owner; with the rest the
/// rows of a table are enough. Rows go into a partition by the rights on the whole.
const OBJECT_RIGHTS: &str = "
    WITH home AS (
        SELECT coalesce((SELECT relnamespace FROM pg_class WHERE oid = to_regclass('system_metrics')),
                        to_regnamespace(quote_ident(current_schema())), to_regnamespace('public')) AS oid),
    relations AS (
        SELECT relation.oid, relkind, relispartition,
               (relname IN ('system_metrics', 'metrics_last_24h') OR relispartition)
                   AND NOT pg_has_role(relowner, 'USAGE') AS is_anothers
        FROM pg_class AS relation CROSS JOIN home LEFT JOIN pg_inherits ON inhrelid = relation.oid
        WHERE relkind IN ('r', 'p', 'v', 'm') AND relnamespace IN (home.oid, to_regnamespace('recipe_monitoring_state'))
          AND (relname = ANY($1) OR inhparent = to_regclass('system_metrics'))
        ORDER BY relation.oid),
    granted AS (SELECT oid, relkind FROM relations WHERE NOT is_anothers AND NOT relispartition)
    SELECT format('ALTER %s %s OWNER TO %I;', CASE relkind WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'TABLE' END,
                  oid::regclass, current_user)
    FROM relations WHERE is_anothers
    UNION ALL
    SELECT format('GRANT %s ON TABLE %s TO %I;', string_agg(privilege, ', ' ORDER BY place), oid::regclass, current_user)
    FROM granted, (VALUES (1, 'SELECT'), (2, 'INSERT'), (3, 'UPDATE'), (4, 'DELETE')) AS wanted(place, privilege)
    WHERE (relkind IN ('r', 'p') OR privilege = 'SELECT') AND NOT has_table_privilege(oid, privilege)
    GROUP BY oid
    UNION ALL
    SELECT format('GRANT USAGE ON SEQUENCE %s TO %I;', objid::regclass, current_user)
    FROM granted JOIN pg_depend ON refobjid = granted.oid JOIN pg_class AS sequence ON sequence.oid = objid
    WHERE deptype = 'a' AND sequence.relkind = 'S' AND classid = 'pg_class'::regclass
      AND NOT has_sequence_privilege(objid, 'USAGE')
    UNION ALL
    SELECT format('GRANT EXECUTE ON FUNCTION %s TO %I;', function.oid::regprocedure, current_user)
    FROM pg_proc AS function CROSS JOIN home
    WHERE pronamespace IN (home.oid, to_regnamespace('recipe_monitoring_state')) AND proname = ANY($1)
      AND NOT has_function_privilege(function.oid, 'EXECUTE')";

/// Everything that is there, as kind and name.
const PRESENT: &str = "
    WITH home AS (
        SELECT coalesce((SELECT relnamespace FROM pg_class WHERE oid = to_regclass('system_metrics')),
                        to_regnamespace(quote_ident(current_schema())), to_regnamespace('public')) AS oid),
    schemas AS (
        SELECT oid, '' AS prefix FROM home
        UNION ALL SELECT to_regnamespace('recipe_monitoring_state'), 'recipe_monitoring_state.')
    SELECT CASE WHEN relkind IN ('r', 'p') THEN 'table ' ELSE 'view ' END || prefix || relname
    FROM pg_class JOIN schemas ON schemas.oid = relnamespace WHERE relkind IN ('r', 'p', 'v', 'm')
    UNION ALL
    SELECT 'function ' || prefix || proname FROM pg_proc JOIN schemas ON schemas.oid = pronamespace
    UNION ALL
    SELECT 'trigger ' || tgname FROM pg_trigger
    WHERE tgrelid IN (to_regclass('system_metrics'), to_regclass('annotations'))
      AND NOT tgisinternal AND tgenabled <> 'D'";
