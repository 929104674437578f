//! What an alert says of why a part is down: `{{ $reason }}` in a summary.

use crate::PartFault;

/// A fault in words, after a colon; of none that is known, empty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reason {
    /// In English.
    pub(crate) en: &'static str,
    /// In Japanese.
    pub(crate) ja: &'static str,
}

impl Reason {
    /// The words for a fault.
    pub(crate) fn of(fault: PartFault) -> Self {
        let (en, ja) = match fault {
            PartFault::Refused => ("connection refused", "接続が拒否されました"),
            PartFault::Hanging => ("no answer in time", "時間内に返答がありません"),
            PartFault::Unreachable => ("its host cannot be reached", "ホストに到達できません"),
            PartFault::WrongPassword => {
                ("the user or password is refused", "ユーザーまたはパスワードが受け付けられません")
            }
            PartFault::NoDatabase => ("there is no such database", "データベースが存在しません"),
            PartFault::Tls => ("no TLS, or an untrusted certificate", "TLS または証明書に問題があります"),
            PartFault::ReadOnly => ("it is read-only and takes no writes", "読み取り専用で、書き込めません"),
            PartFault::PoolExhausted => ("all connections of the pool are in use", "プールの接続がすべて使用中です"),
            PartFault::TooManyConnections => ("it takes no more connections", "接続数が上限に達しています"),
            PartFault::StartingUp => ("it is starting up or shutting down", "起動中または停止中です"),
            PartFault::DiskFull => ("its disk takes no writes", "ディスクに書き込めません"),
            PartFault::OutOfMemory => ("it is out of memory", "メモリが不足しています"),
            PartFault::Other => ("the log says why", "原因はログにあります"),
        };
        Self { en, ja }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_has_words_of_its_own_in_both_languages() {
        let mut words: Vec<_> =
            PartFault::ALL.map(Reason::of).into_iter().flat_map(|Reason { en, ja }| [en, ja]).collect();
        assert!(words.iter().all(|words| !words.is_empty() && !words.ends_with(['.', '。'])));
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), 2 * PartFault::ALL.len());
    }
}
