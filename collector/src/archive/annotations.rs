//! Annotations. One that is taken is in PostgreSQL: none ever waits to be saved.

use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

use super::{Archive, ArchiveError, check_text, in_time, invalid, since_1970};
use crate::InJapanese;
use crate::annotation::{Annotation, Draft, DraftError};
use crate::store::{AnnotationQuery, Marked, StoreError};

/// Those of one page at the most.
const MOST: u16 = 500;
/// How long PostgreSQL may take to keep or remove one.
const LIMIT: Duration = Duration::from_secs(5);

/// Why nothing was marked or removed.
#[derive(Debug, thiserror::Error)]
pub enum AnnotateError {
    /// What was to be marked cannot be.
    #[error(transparent)]
    Invalid(#[from] DraftError),
    /// There is none of this id.
    #[error("id = {id:?} is not valid: there is no such annotation; see the list as it is now")]
    Unknown {
        /// The id.
        id: String,
    },
    /// PostgreSQL does not answer, or cannot do it.
    #[error(
        "PostgreSQL does not answer, so nothing was marked or removed; try again when /readyz says that it is up: what \
         has an id is marked once however often it is sent"
    )]
    Store(#[from] StoreError),
}

impl InJapanese for AnnotateError {
    fn ja(&self) -> String {
        match self {
            Self::Invalid(error) => error.ja(),
            Self::Unknown { id } => {
                format!("id = {id:?} は無効です: そのアノテーションはありません。現在の一覧をご覧ください")
            }
            Self::Store(_) => "PostgreSQL が応答しないため、何も記録・削除していません。/readyz で復旧を確認してから\
                               もう一度お試しください"
                .to_owned(),
        }
    }
}

impl Archive {
    /// What was marked between these times, both included, or lasts into them: the oldest first, and
    /// where there are more than 500 the newest of them.
    ///
    /// # Errors
    ///
    /// When PostgreSQL does not answer.
    pub async fn annotations(&self, from: Timestamp, to: Timestamp) -> Result<Vec<Annotation>, ArchiveError> {
        let query = AnnotationQuery { from: Some(from), to: Some(to), tag: None, limit: MOST };
        let mut annotations = self.find_annotations(&query).await?;
        annotations.reverse();
        Ok(annotations)
    }

    /// Annotations, those that begin last first.
    ///
    /// # Errors
    ///
    /// [`ArchiveError::Invalid`], and when PostgreSQL does not answer.
    pub async fn find_annotations(&self, query: &AnnotationQuery) -> Result<Vec<Annotation>, ArchiveError> {
        check_text("tag", query.tag.as_deref())?;
        if let (Some(from), Some(to)) = (query.from, query.to)
            && from > to
        {
            return Err(invalid("from", from, &format!("use a time before to, which is {to}")));
        }
        let query = AnnotationQuery { from: since_1970(query.from), to: since_1970(query.to), ..query.clone() };
        Ok(in_time(self.store.annotations(&query)).await?)
    }

    /// Marks something; everybody who watches is told.
    ///
    /// # Errors
    ///
    /// [`AnnotateError::Invalid`] and [`AnnotateError::Store`]; nothing was marked then.
    pub async fn annotate(&self, draft: Draft) -> Result<Marked, AnnotateError> {
        let annotation = draft.check(&Uuid::now_v7().to_string(), Timestamp::now())?;
        let marked = self.store.annotate(&annotation, LIMIT).await.inspect_err(log)?;
        if marked.is_new {
            let Annotation { id, at, text, created_by, .. } = &marked.annotation;
            tracing::info!(id, %at, text, created_by, "marked");
        }
        Ok(marked)
    }

    /// Removes the annotation of this id; everybody who watches is told.
    ///
    /// # Errors
    ///
    /// [`AnnotateError::Unknown`] and [`AnnotateError::Store`]; nothing was removed then.
    pub async fn remove_annotation(&self, id: &str) -> Result<(), AnnotateError> {
        let unknown = || AnnotateError::Unknown { id: id.to_owned() };
        // PostgreSQL has no text with it.
        let is_text = !id.contains('\0');
        if !is_text || !self.store.remove_annotation(id, LIMIT).await.inspect_err(log)? {
            return Err(unknown());
        }
        tracing::info!(id, "an annotation is removed");
        Ok(())
    }
}

fn log(error: &StoreError) {
    tracing::warn!(%error, "nothing was marked or removed");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sentence::assert_japanese;

    #[test]
    fn every_error_says_itself_in_japanese_with_its_values() {
        assert_japanese(&AnnotateError::Unknown { id: "deploy/1".to_owned() }.ja(), &[r#"id = "deploy/1""#]);
        let away = AnnotateError::Store(sqlx::Error::PoolTimedOut.into());
        assert_japanese(&away.ja(), &["PostgreSQL", "/readyz"]);
        let draft = Draft::default().check("spare", Timestamp::UNIX_EPOCH).unwrap_err();
        assert_eq!(AnnotateError::from(draft.clone()).ja(), draft.ja());
    }
}
