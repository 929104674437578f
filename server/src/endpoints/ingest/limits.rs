//! How many requests may come: a token bucket for each address, and one for all.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use collector::config::Ingest;

/// Addresses that have a bucket of their own; further ones share that of [`OTHERS`].
const MOST_PEERS: usize = 1_000;
/// All addresses together may send so many times what one may.
const TOGETHER: f64 = 10.0;
/// No address that anybody sends from.
const OTHERS: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

#[derive(Debug)]
pub(super) struct RateLimit {
    per_second: f64,
    burst: f64,
    buckets: Mutex<Buckets>,
}

#[derive(Debug, Default)]
struct Buckets {
    all: Bucket,
    peers: HashMap<IpAddr, Bucket>,
}

/// Requests that may not come yet, as of a moment.
#[derive(Clone, Copy, Debug, Default)]
struct Bucket {
    taken: f64,
    at: Option<Instant>,
}

impl Bucket {
    /// What is taken at `now`.
    fn taken(&self, per_second: f64, now: Instant) -> f64 {
        let passed = self.at.map_or(Duration::ZERO, |at| now.saturating_duration_since(at));
        (self.taken - passed.as_secs_f64() * per_second).max(0.0)
    }

    /// How long until one more may be taken.
    fn wait(&self, per_second: f64, burst: f64, now: Instant) -> Option<Duration> {
        let over = self.taken(per_second, now) + 1.0 - burst;
        (over > 0.0).then(|| Duration::from_secs_f64(over / per_second))
    }
}

impl RateLimit {
    pub(super) fn new(settings: &Ingest) -> Self {
        Self {
            per_second: f64::from(settings.requests_per_second),
            burst: f64::from(settings.burst),
            buckets: Mutex::default(),
        }
    }

    /// Takes one request; else says how long there will be none.
    pub(super) fn take(&self, peer: Option<IpAddr>, now: Instant) -> Result<(), Duration> {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let mut peer = peer.map_or(OTHERS, network);
        if !buckets.peers.contains_key(&peer) && buckets.peers.len() >= MOST_PEERS {
            buckets.peers.retain(|_, bucket| bucket.taken(self.per_second, now) > 0.0);
            if buckets.peers.len() >= MOST_PEERS {
                peer = OTHERS;
            }
        }
        let (all_per_second, all_burst) = (self.per_second * TOGETHER, self.burst * TOGETHER);
        let (all, of_peer) = (buckets.all, buckets.peers.get(&peer).copied().unwrap_or_default());
        let waits = [all.wait(all_per_second, all_burst, now), of_peer.wait(self.per_second, self.burst, now)];
        if let Some(wait) = waits.into_iter().flatten().max() {
            return Err(wait);
        }
        buckets.all = Bucket { taken: all.taken(all_per_second, now) + 1.0, at: Some(now) };
        let of_peer = Bucket { taken: of_peer.taken(self.per_second, now) + 1.0, at: Some(now) };
        buckets.peers.insert(peer, of_peer);
        Ok(())
    }
}

/// One IPv6 host has as many addresses as it likes, in one network of 64 bits.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit() -> RateLimit {
        RateLimit::new(&Ingest { requests_per_second: 2, burst: 3 })
    }

    #[test]
    fn a_burst_passes_and_then_so_many_a_second() {
        let (limit, start) = (limit(), Instant::now());
        let peer = Some(IpAddr::from([192, 0, 2, 1]));
        let taken =
            |millis| (0..10).filter(|_| limit.take(peer, start + Duration::from_millis(millis)).is_ok()).count();
        assert_eq!(taken(0), 3);
        assert_eq!(limit.take(peer, start), Err(Duration::from_millis(500)));
        assert_eq!(taken(499), 0);
        assert_eq!(taken(500), 1);
        assert_eq!(taken(1_500), 2);
        assert_eq!(taken(60_000), 3);
        // Another address is another matter, until all are too many.
        let others =
            (0..100).filter(|n| limit.take(Some([192, 0, 2, 100 + n].into()), start + Duration::from_secs(60)).is_ok());
        assert_eq!(others.count(), 27);
    }

    #[test]
    fn any_number_of_addresses_takes_little_memory() {
        let limit = RateLimit::new(&Ingest { requests_per_second: 1, burst: 100_000 });
        let start = Instant::now();
        for n in 0..3_000_u32 {
            assert_eq!(limit.take(Some(IpAddr::from(n.to_be_bytes())), start), Ok(()));
        }
        assert!(limit.buckets.lock().unwrap().peers.len() <= MOST_PEERS + 1);
        // Those that have been quiet make room.
        assert_eq!(limit.take(Some([192, 0, 2, 1].into()), start + Duration::from_secs(5_000)), Ok(()));
        assert_eq!(limit.buckets.lock().unwrap().peers.len(), 1);
    }

    #[test]
    fn one_network_of_ipv6_is_one_address() {
        let (limit, now) = (limit(), Instant::now());
        let taken = (0..10_u16).filter(|n| limit.take(Some([0x2001, 0xdb8, 0, 0, 0, 0, 0, *n].into()), now).is_ok());
        assert_eq!(taken.count(), 3);
    }
}
