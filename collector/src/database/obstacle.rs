//! Why something cannot be seen, and what to do about it.

use serde::{Deserialize, Serialize};

/// What was seen, and what stood in the way: also of a part of it only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Seen<T> {
    /// `None` where nothing was.
    pub value: Option<T>,
    /// What stood in the way.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub obstacles: Vec<Obstacle>,
}

/// Something in the way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Obstacle {
    /// Of which kind.
    pub kind: ObstacleKind,
    /// Lines for an administrator that remove it, in their order: SQL, or of `postgresql.conf`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remedy: Vec<String>,
}

/// Kinds of obstacles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ObstacleKind {
    /// The role, or Redis' user, may not see it.
    Permission,
    /// The extension is not set up; the remedy has the lines that are still missing.
    Extension,
    /// It does not answer.
    Away,
    /// It is switched off.
    Off,
    /// It took too long, and was given up.
    TooSlow,
    /// Somebody holds a lock on it.
    Locked,
    /// Something else; the log says what.
    Failed,
}

impl<T> Seen<T> {
    /// All of it.
    pub fn all(value: T) -> Self {
        Self { value: Some(value), obstacles: Vec::new() }
    }

    /// Nothing.
    #[must_use]
    pub fn nothing(obstacle: Obstacle) -> Self {
        Self { value: None, obstacles: vec![obstacle] }
    }

    /// What there is of it, and why it is not all where there is an obstacle.
    pub fn with(value: T, obstacle: Option<Obstacle>) -> Self {
        Self { value: Some(value), obstacles: obstacle.into_iter().collect() }
    }
}

impl Obstacle {
    /// One that nothing can be done about here.
    #[must_use]
    pub fn of(kind: ObstacleKind) -> Self {
        Self { kind, remedy: Vec::new() }
    }

    /// The role lacks a right that these lines give it.
    #[must_use]
    pub fn permission(remedy: Vec<String>) -> Self {
        Self { kind: ObstacleKind::Permission, remedy }
    }
}
