//! `token`: what programs send as `Authorization: Bearer …`.

use std::error::Error;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::{audit, print};
use crate::access::{Access, Issued, Scope, Token};
use crate::{AuditEntry, Settings, embedded};

#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Make an API token and print it: it is shown this once
    Add {
        /// By which people know it
        name: String,
        /// metrics (GET /metrics), ingest (events, OTLP), read (API), operate (silences, annotations); several with commas
        #[arg(long = "scope", required = true, value_delimiter = ',', value_parser = scope)]
        scopes: Vec<Scope>,
        /// Days that it holds [default: until it is removed]
        #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u16).range(1..=3650))]
        days: Option<u16>,
    },
    /// Print the tokens, not their secrets: name, scopes, end
    List,
    /// Remove a token: it holds no longer
    Remove {
        /// Its name
        name: String,
    },
}

fn scope(name: &str) -> Result<Scope, String> {
    Scope::of_name(name).ok_or_else(|| format!("use {}", Scope::names(&Scope::ALL)))
}

pub(super) async fn run(settings: &Settings, arguments: Arguments) -> Result<(), Box<dyn Error>> {
    let access = Access::open(&embedded::data_dir(&settings.storage)?)?;
    let now = Timestamp::now();
    let (entry, done) = match arguments.what {
        What::List => {
            for token in access.contents().tokens() {
                let end = token.expires_at.map_or_else(|| "-".to_owned(), |at| at.to_string());
                print(&format!("{}  {}  {end}", token.name, Scope::names(&token.scopes)))?;
            }
            return Ok(());
        }
        What::Add { name, scopes, days } => {
            let issued = Issued::token()?;
            let entry = AuditEntry::of_command("token.add", &name, json!({ "scopes": scopes, "days": days }));
            let token = Token {
                digest: issued.digest(),
                name,
                scopes,
                created_at: now,
                created_by: entry.actor.clone(),
                expires_at: days.map(|days| now + SignedDuration::from_hours(i64::from(days) * 24)),
            };
            access.change(|contents| contents.add_token(token, now))?;
            (entry, issued.expose().to_owned())
        }
        What::Remove { name } => {
            access.change(|contents| contents.remove_token(&name))?;
            (AuditEntry::of_command("token.remove", &name, json!({})), format!("removed {name}"))
        }
    };
    audit::note(settings, &entry).await?;
    print(&done)?;
    Ok(())
}
