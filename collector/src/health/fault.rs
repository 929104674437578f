//! Why a part cannot be used, as far as those who repair it tell faults apart. How one is known
//! belongs to whoever talks to the part.

use serde::{Deserialize, Serialize, Serializer};

/// What is wrong with a part that is down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(from = "String")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(rename_all = "snake_case"))]
pub enum PartFault {
    /// Nothing listens there, or it closes the connection without a word.
    Refused,
    /// It takes connections, or did, and does not answer in time.
    Hanging,
    /// There is no way to the host, or its name is not known.
    Unreachable,
    /// The password is wrong, or the user may not log in.
    WrongPassword,
    /// There is no such database.
    NoDatabase,
    /// Its certificate is not trusted, or TLS is not spoken there.
    Tls,
    /// It only lets read: a standby, a replica, or switched to it.
    ReadOnly,
    /// It answers, and all connections that we may have are in use.
    PoolExhausted,
    /// It takes no more connections from anybody.
    TooManyConnections,
    /// It is starting up or shutting down.
    StartingUp,
    /// Its disk takes no writes.
    DiskFull,
    /// It has no memory for what is to be written.
    OutOfMemory,
    /// Another one, also of a newer version; the log says more.
    Other,
}

impl PartFault {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::Refused,
        Self::Hanging,
        Self::Unreachable,
        Self::WrongPassword,
        Self::NoDatabase,
        Self::Tls,
        Self::ReadOnly,
        Self::PoolExhausted,
        Self::TooManyConnections,
        Self::StartingUp,
        Self::DiskFull,
        Self::OutOfMemory,
        Self::Other,
    ];

    /// Whether it nevertheless answers what it is asked about itself, over a connection that is there.
    #[must_use]
    pub fn still_answers(self) -> bool {
        matches!(self, Self::ReadOnly | Self::PoolExhausted | Self::DiskFull | Self::OutOfMemory)
    }

    /// As in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Hanging => "hanging",
            Self::Unreachable => "unreachable",
            Self::WrongPassword => "wrong_password",
            Self::NoDatabase => "no_database",
            Self::Tls => "tls",
            Self::ReadOnly => "read_only",
            Self::PoolExhausted => "pool_exhausted",
            Self::TooManyConnections => "too_many_connections",
            Self::StartingUp => "starting_up",
            Self::DiskFull => "disk_full",
            Self::OutOfMemory => "out_of_memory",
            Self::Other => "other",
        }
    }
}

impl From<String> for PartFault {
    fn from(name: String) -> Self {
        Self::ALL.into_iter().find(|fault| fault.name() == name).unwrap_or(Self::Other)
    }
}

impl Serialize for PartFault {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_is_one_name_in_json_and_a_name_of_a_newer_version_is_another_fault() {
        for fault in PartFault::ALL {
            let json = serde_json::to_string(&fault).unwrap();
            assert_eq!(json, format!("\"{}\"", fault.name()));
            assert_eq!(serde_json::from_str::<PartFault>(&json).unwrap(), fault);
        }
        assert_eq!(serde_json::from_str::<PartFault>("\"on_fire\"").unwrap(), PartFault::Other);
    }
}
