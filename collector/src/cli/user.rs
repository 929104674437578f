//! `user`: who may log in to the dashboard. A running dashboard knows it with its next request.

use std::error::Error;

use jiff::Timestamp;
use serde_json::json;

use super::{audit, print, secret};
use crate::access::{Access, Passwords, Role};
use crate::{AuditEntry, Settings, embedded};

#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Add a user; the password is asked for, or read from standard input
    Add {
        /// By which the user logs in
        name: String,
        /// viewer, operator or admin
        #[arg(long, default_value = "viewer", value_parser = role)]
        role: Role,
    },
    /// Print the users: name, role, time of the last change of the password
    List,
    /// Give a user another password, which ends the user's sessions
    Passwd {
        /// The user
        name: String,
    },
    /// Give a user another role
    Role {
        /// The user
        name: String,
        /// viewer, operator or admin
        #[arg(value_parser = role)]
        role: Role,
    },
    /// Remove a user, which ends the user's sessions
    Remove {
        /// The user
        name: String,
    },
}

fn role(name: &str) -> Result<Role, String> {
    Role::of_name(name).ok_or_else(|| "use viewer, operator or admin".to_owned())
}

pub(super) async fn run(settings: &Settings, arguments: Arguments) -> Result<(), Box<dyn Error>> {
    let access = Access::open(&embedded::data_dir(&settings.storage)?)?;
    let now = Timestamp::now();
    let (entry, done) = match arguments.what {
        What::List => {
            for user in access.contents().users() {
                print(&format!("{}  {}  {}", user.name, user.role.name(), user.password_changed_at))?;
            }
            return Ok(());
        }
        What::Add { name, role } => {
            // Before a password is asked for in vain.
            access.contents().as_ref().clone().add_user(&name, role, String::new(), now)?;
            let password = hash_of_new(&name).await?;
            access.change(|contents| contents.add_user(&name, role, password, now))?;
            (AuditEntry::of_command("user.add", &name, json!({ "role": role })), format!("added {name}"))
        }
        What::Passwd { name } => {
            access.contents().as_ref().clone().set_password(&name, String::new(), None, now)?;
            let password = hash_of_new(&name).await?;
            access.change(|contents| contents.set_password(&name, password, None, now))?;
            let done = format!("{name} has another password, and no session any more");
            (AuditEntry::of_command("user.password", &name, json!({})), done)
        }
        What::Role { name, role } => {
            access.change(|contents| contents.set_role(&name, role))?;
            let done = format!("{name} is {}", role.name());
            (AuditEntry::of_command("user.role", &name, json!({ "role": role })), done)
        }
        What::Remove { name } => {
            access.change(|contents| contents.remove_user(&name))?;
            (AuditEntry::of_command("user.remove", &name, json!({})), format!("removed {name}"))
        }
    };
    audit::note(settings, &entry).await?;
    print(&done)?;
    Ok(())
}

async fn hash_of_new(name: &str) -> Result<String, Box<dyn Error>> {
    let password = secret::new_password(&format!("Password of {name}"))?;
    Passwords::check(name, &password)?;
    Ok(Passwords::new()?.hash(password).await?)
}
