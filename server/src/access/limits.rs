//! How often somebody may fail to log in: by the address it comes from, and by the name that is tried. After the first
//! few failures each one doubles the wait, up to a minute for a name, so that whoever fails on purpose keeps nobody out
//! for good, and a quarter of an hour for an address. A log-in that is right forgets both.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};

use jiff::{SignedDuration, Timestamp};

/// Failures without a wait.
const FREE: u32 = 5;
const LONGEST_OF_NAME: SignedDuration = SignedDuration::from_secs(60);
const LONGEST_OF_ADDRESS: SignedDuration = SignedDuration::from_mins(15);
/// Without a failure for so long, all is forgotten.
const FORGOTTEN: SignedDuration = SignedDuration::from_hours(1);
/// Names and addresses that are known at a time.
const MOST: usize = 10_000;

/// What is counted by.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Key {
    Address(IpAddr),
    Name(String),
}

#[derive(Clone, Copy, Debug)]
struct Failures {
    count: u32,
    last: Timestamp,
    /// No try before it.
    until: Timestamp,
}

/// All that failed.
#[derive(Debug, Default)]
pub(super) struct Limits(HashMap<Key, Failures>);

impl Limits {
    /// Begins a try, which counts as a failure until it is [`Limits::right`]: so that many at once are no way around.
    /// Else answers how long to wait.
    pub(super) fn begin(&mut self, address: IpAddr, name: &str, now: Timestamp) -> Result<(), SignedDuration> {
        let keys = keys(address, name);
        let wait =
            keys.iter().filter_map(|key| self.0.get(key)).map(|failures| failures.until.duration_since(now)).max();
        if let Some(wait) = wait.filter(SignedDuration::is_positive) {
            return Err(wait);
        }
        for key in keys {
            self.make_room(now);
            let longest = if matches!(key, Key::Name(_)) { LONGEST_OF_NAME } else { LONGEST_OF_ADDRESS };
            let failures = self.0.entry(key).or_insert(Failures { count: 0, last: now, until: now });
            if now.duration_since(failures.last) > FORGOTTEN {
                failures.count = 0;
            }
            failures.count = failures.count.saturating_add(1);
            failures.last = now;
            if let Some(over) = failures.count.checked_sub(FREE) {
                let seconds = 1_i64.checked_shl(over).filter(|seconds| *seconds > 0).unwrap_or(i64::MAX);
                let wait = SignedDuration::from_secs(seconds).min(longest);
                failures.until = now.checked_add(wait).unwrap_or(now);
            }
        }
        Ok(())
    }

    /// The try was right.
    pub(super) fn right(&mut self, address: IpAddr, name: &str) {
        for key in keys(address, name) {
            self.0.remove(&key);
        }
    }

    fn make_room(&mut self, now: Timestamp) {
        if self.0.len() < MOST {
            return;
        }
        self.0.retain(|_, failures| now.duration_since(failures.last) <= FORGOTTEN);
        if self.0.len() < MOST {
            return;
        }
        // The oldest tenth at once, so that it is seldom looked for.
        let mut times: Vec<_> = self.0.values().map(|failures| failures.last).collect();
        let (_, oldest, _) = times.select_nth_unstable(MOST / 10);
        let oldest = *oldest;
        self.0.retain(|_, failures| failures.last > oldest);
    }
}

fn keys(address: IpAddr, name: &str) -> [Key; 2] {
    let name = name.chars().take(100).flat_map(char::to_lowercase).collect();
    [Key::Address(network(address)), Key::Name(name)]
}

/// One customer of a provider has all addresses of a /64.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let bits = u128::from(address) & (u128::MAX << 64);
            IpAddr::V6(Ipv6Addr::from(bits))
        }
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_764_000_000 + seconds).unwrap()
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn after_five_failures_each_one_doubles_the_wait_until_a_minute_or_a_quarter_of_an_hour() {
        let (mut limits, here) = (Limits::default(), address("192.0.2.1"));
        for _ in 0..5 {
            assert_eq!(limits.begin(here, "mika", at(0)), Ok(()));
        }
        assert_eq!(limits.begin(here, "mika", at(0)), Err(SignedDuration::from_secs(1)));
        assert_eq!(limits.begin(here, "ken", at(0)), Err(SignedDuration::from_secs(1)), "the address");
        assert_eq!(limits.begin(address("192.0.2.2"), "MIKA", at(0)), Err(SignedDuration::from_secs(1)), "the name");
        assert_eq!(limits.begin(address("192.0.2.2"), "ken", at(0)), Ok(()));
        let (mut now, mut longest) = (1, SignedDuration::ZERO);
        for _ in 0..80 {
            assert_eq!(limits.begin(here, "mika", at(now)), Ok(()));
            let wait = limits.begin(here, "mika", at(now)).unwrap_err();
            let of_name = limits.begin(address("192.0.2.3"), "mika", at(now)).unwrap_err();
            assert!(wait >= longest && of_name <= LONGEST_OF_NAME && of_name <= wait);
            (longest, now) = (wait, now + wait.as_secs());
        }
        assert_eq!(longest, LONGEST_OF_ADDRESS);
        // From elsewhere the admin is in after a minute at the most, and then all of the name is forgotten.
        assert_eq!(limits.begin(address("192.0.2.4"), "mika", at(now)), Ok(()));
        limits.right(address("192.0.2.4"), "mika");
        assert_eq!(limits.begin(address("192.0.2.4"), "mika", at(now)), Ok(()));
    }

    #[test]
    fn a_network_of_ipv6_is_one_address_and_all_is_forgotten_in_the_end() {
        let mut limits = Limits::default();
        for number in 0..5 {
            limits.begin(address(&format!("2001:db8::{number}")), &format!("u{number}"), at(0)).unwrap();
        }
        assert!(limits.begin(address("2001:db8::ffff:1"), "ken", at(0)).is_err());
        assert!(limits.begin(address("2001:db8:0:1::1"), "ken", at(0)).is_ok());
        assert_eq!(network(address("::ffff:192.0.2.1")), address("192.0.2.1"));
        for _ in 0..5 {
            assert_eq!(limits.begin(address("2001:db8::1"), "a", at(3_700)), Ok(()));
        }
    }

    #[test]
    fn memory_has_a_bound() {
        let mut limits = Limits::default();
        for number in 0..12_000 {
            let _ = limits.begin(IpAddr::V4(number.into()), &format!("u{number}"), at(i64::from(number) / 10));
        }
        assert!(limits.0.len() <= MOST, "{}", limits.0.len());
        // The newest are known.
        for _ in 0..4 {
            limits.begin(address("2001:db8::1"), "u11999", at(1_200)).unwrap();
        }
        assert!(limits.begin(address("2001:db8:1::1"), "u11999", at(1_200)).is_err());
    }
}
