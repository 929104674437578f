//! `annotate`: marks a moment or a span of time on every graph, lists what is marked, and removes it.

use std::error::Error;

use super::{print, stores};
use crate::annotation::{Annotation, Draft};
use crate::{AnnotateError, AnnotationQuery, Archive, Settings};

/// Annotations that are listed.
const LISTED: u16 = 100;

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// What happened
    #[arg(required_unless_present_any = ["list", "remove"])]
    text: Option<String>,
    /// What it is found by; may be given up to 20 times
    #[arg(long = "tag", value_name = "TAG", conflicts_with = "remove")]
    tags: Vec<String>,
    /// When it happened, such as 2026-11-24T03:00:00Z or seconds since 1970 [default: now]
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
    /// Until when it lasted
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// An id of your own: what is marked again with the same one is marked once
    #[arg(long)]
    id: Option<String>,
    /// Who marks it [default: the name of the user]
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
    /// Print the newest 100 instead, with --tag of those that have it: time, id, text and tags
    #[arg(long, conflicts_with_all = ["text", "at", "until", "id", "by", "remove"])]
    list: bool,
    /// Remove one instead
    #[arg(long, value_name = "ID", conflicts_with_all = ["text", "at", "until", "id", "by"])]
    remove: Option<String>,
}

pub(super) async fn run(settings: &Settings, arguments: Arguments) -> Result<(), Box<dyn Error>> {
    let Arguments { text, tags, at, until, id, by, list, remove } = arguments;
    if list && tags.len() > 1 {
        return Err("--list takes one --tag".into());
    }
    let store = stores::open(settings).await?;
    let archive = Archive::new(store.clone(), None, settings.sampling.system.as_secs_f64());
    if list {
        let tag = tags.into_iter().next();
        let found = archive.find_annotations(&AnnotationQuery { from: None, to: None, tag, limit: LISTED }).await?;
        found.iter().try_for_each(|annotation| print(&line(annotation)))?;
    } else if let Some(id) = remove {
        archive.remove_annotation(&id).await?;
        print(&format!("removed {id}"))?;
    } else {
        let created_by = by.or_else(|| std::env::var("USER").ok()).unwrap_or_default();
        let draft = Draft { id, at, ends_at: until, text: text.unwrap_or_default(), tags, created_by };
        let marked = archive.annotate(draft).await.map_err(by_flag)?;
        let word = if marked.is_new { "marked" } else { "marked before" };
        print(&format!("{word}: {}", line(&marked.annotation)))?;
    }
    store.close().await;
    Ok(())
}

/// What was given by a flag is called by it.
fn by_flag(error: AnnotateError) -> Box<dyn Error> {
    let AnnotateError::Invalid(mut error) = error else { return error.into() };
    error.field = match error.field {
        "text" => "TEXT",
        "tags" => "--tag",
        "at" => "--at",
        "ends_at" => "--until",
        "created_by" => "--by",
        _ => "--id",
    };
    error.into()
}

fn line(annotation: &Annotation) -> String {
    let Annotation { id, at, ends_at, text, tags, .. } = annotation;
    let until = ends_at.map(|ends_at| format!(" to {ends_at}")).unwrap_or_default();
    let tags: String = tags.iter().map(|tag| format!(" [{tag}]")).collect();
    format!("{at}{until}  {id}  {}{tags}", text.replace('\n', " "))
}
