//! What a handler tells the audit log of what it did; the rest is known from the route.

use serde_json::Value;

/// Goes with the answer, as one of its extensions.
#[derive(Clone, Debug, Default)]
pub(crate) struct Done {
    /// Instead of what the route is called.
    pub(crate) action: Option<&'static str>,
    /// Instead of who sent the request: whoever has just logged in, or out.
    pub(crate) actor: Option<String>,
    /// Instead of the path.
    pub(crate) object: Option<String>,
    /// More of it; never a password or a token.
    pub(crate) detail: Value,
    /// Whether it was done, where the status does not say so: a form always leads back to its page.
    pub(crate) ok: Option<bool>,
    /// Nothing was tried.
    pub(crate) is_nothing: bool,
}

impl Done {
    /// Something was done to an object.
    pub(crate) fn to(object: &str, detail: Value) -> Self {
        Self { object: Some(object.to_owned()), detail, ..Self::default() }
    }

    /// Under another name than that of the route.
    pub(crate) fn called(mut self, action: &'static str) -> Self {
        self.action = Some(action);
        self
    }

    /// Whether it was done.
    pub(crate) fn ok(mut self, ok: bool) -> Self {
        self.ok = Some(ok);
        self
    }

    /// By whom.
    pub(crate) fn by(mut self, actor: &str) -> Self {
        self.actor = Some(actor.to_owned());
        self
    }

    /// Nothing was tried, so nothing is to be noted.
    pub(crate) fn nothing() -> Self {
        Self { is_nothing: true, ..Self::default() }
    }
}
