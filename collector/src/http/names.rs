//! What is kept by name: it only grows, up to a limit, and is read without a lock.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

/// Values by name, at most so many, each for ever at its place.
#[derive(Debug)]
pub(super) struct Names<T> {
    seed: u64,
    /// Open addressing: at least half of them stay empty, so that every search ends soon.
    slots: Box<[OnceLock<Box<Named<T>>>]>,
    most: usize,
    count: AtomicUsize,
    adding: Mutex<()>,
}

/// A value and its name.
#[derive(Debug)]
pub(super) struct Named<T> {
    pub(super) name: Box<str>,
    pub(super) value: T,
}

enum Found {
    /// Here it is.
    At(usize),
    /// Here it would be.
    Free(usize),
}

impl<T: Default> Names<T> {
    pub(super) fn new(most: usize) -> Self {
        let slots = std::iter::repeat_with(OnceLock::new).take((2 * most).next_power_of_two()).collect();
        let seed = RandomState::new().hash_one(most);
        Self { seed, slots, most, count: AtomicUsize::new(0), adding: Mutex::new(()) }
    }

    /// The place of what has this name, made where it is new; `None` where there is no room.
    pub(super) fn place(&self, name: &str) -> Option<usize> {
        match self.find(name) {
            Found::At(place) => Some(place),
            Found::Free(_) => self.add(name),
        }
    }

    pub(super) fn at(&self, place: usize) -> Option<&Named<T>> {
        self.slots.get(place)?.get().map(|named| &**named)
    }

    fn add(&self, name: &str) -> Option<usize> {
        // Who sees that it is full sees all that fills it, perhaps this very name by now.
        let is_full = || self.count.load(Ordering::Acquire) >= self.most;
        let _adding = match is_full() {
            true => None,
            false => Some(self.adding.lock().unwrap_or_else(PoisonError::into_inner)),
        };
        match self.find(name) {
            Found::At(place) => Some(place),
            Found::Free(_) if is_full() => None,
            Found::Free(place) => {
                self.slots.get(place)?.get_or_init(|| Box::new(Named { name: name.into(), value: T::default() }));
                self.count.fetch_add(1, Ordering::Release);
                Some(place)
            }
        }
    }

    fn find(&self, name: &str) -> Found {
        let last = self.slots.len() - 1;
        let mut place = hash(self.seed, name) & last;
        loop {
            match self.at(place) {
                Some(named) if *named.name == *name => return Found::At(place),
                Some(_) => place = (place + 1) & last,
                None => return Found::Free(place),
            }
        }
    }

    /// All there are, by name.
    pub(super) fn sorted(&self) -> Vec<&Named<T>> {
        let mut all: Vec<_> = self.slots.iter().filter_map(|slot| slot.get()).map(|named| &**named).collect();
        all.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        all
    }
}

/// As rustc's own tables hash (`FxHasher`). Names that all collide cost no more than a walk past the
/// most there may be, which is not worth a hash that resists it.
fn hash(seed: u64, name: &str) -> usize {
    let mix =
        |hash: u64, word: [u8; 8]| (hash.rotate_left(5) ^ u64::from_le_bytes(word)).wrapping_mul(0x517c_c1b7_2722_0a95);
    let (words, rest) = name.as_bytes().as_chunks::<8>();
    let mut last = [0; 8];
    last.iter_mut().zip(rest).for_each(|(last, byte)| *last = *byte);
    let hash = words.iter().fold(seed, |hash, word| mix(hash, *word));
    // The best bits are the upper ones.
    usize::try_from(mix(hash, last) >> 32).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_added_by_many_at_once_are_there_once_and_no_more_than_the_limit() {
        let names = Names::<AtomicUsize>::new(300);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for i in 0..400 {
                        if let Some(named) = names.place(&format!("name {i}")).and_then(|place| names.at(place)) {
                            assert_eq!(*named.name, format!("name {i}"));
                            named.value.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                });
            }
        });
        let sorted = names.sorted();
        assert_eq!(sorted.len(), 300);
        assert!(sorted.windows(2).all(|pair| pair[0].name < pair[1].name));
        assert!(sorted.iter().all(|named| named.value.load(Ordering::Relaxed) == 8));
    }
}
