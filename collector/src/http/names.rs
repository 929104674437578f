//! What is kept by name: it only grows, up to a limit, and is read without a lock, so that cores
//! which count at the same time do not wait for one another.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

const HEADS: usize = 256;

/// A list that only grows.
#[derive(Debug)]
pub(super) struct Chain<T>(OnceLock<Box<Link<T>>>);

#[derive(Debug)]
struct Link<T> {
    value: T,
    next: Chain<T>,
}

impl<T> Default for Chain<T> {
    fn default() -> Self {
        Self(OnceLock::new())
    }
}

impl<T> Chain<T> {
    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        std::iter::successors(self.0.get(), |link| link.next.0.get()).map(|link| &link.value)
    }

    pub(super) fn push(&self, value: T) {
        let mut link = Box::new(Link { value, next: Self::default() });
        let mut end = self;
        loop {
            while let Some(taken) = end.0.get() {
                end = &taken.next;
            }
            match end.0.set(link) {
                Ok(()) => return,
                // Somebody else was quicker.
                Err(refused) => link = refused,
            }
        }
    }
}

/// Values by name, at most so many.
#[derive(Debug)]
pub(super) struct Names<T> {
    hasher: RandomState,
    heads: Box<[Chain<Arc<Named<T>>>]>,
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

impl<T: Default> Named<T> {
    pub(super) fn new(name: &str) -> Arc<Self> {
        Arc::new(Self { name: name.into(), value: T::default() })
    }
}

impl<T: Default> Names<T> {
    pub(super) fn new(most: usize) -> Self {
        let heads = std::iter::repeat_with(Chain::default).take(HEADS).collect();
        Self { hasher: RandomState::new(), heads, most, count: AtomicUsize::new(0), adding: Mutex::new(()) }
    }

    /// What has this name, made where it is new; `None` where there is no room.
    pub(super) fn get_or_add(&self, name: &str) -> Option<&Arc<Named<T>>> {
        let head = self.heads.get(usize::try_from(self.hasher.hash_one(name) % HEADS as u64).ok()?)?;
        let find = || head.iter().find(|known| *known.name == *name);
        find().or_else(|| {
            if self.count.load(Ordering::Relaxed) >= self.most {
                return None;
            }
            let _adding = self.adding.lock().unwrap_or_else(PoisonError::into_inner);
            if find().is_none() && self.count.load(Ordering::Relaxed) < self.most {
                self.count.fetch_add(1, Ordering::Relaxed);
                head.push(Named::new(name));
            }
            find()
        })
    }

    /// All there are, by name.
    pub(super) fn sorted(&self) -> Vec<&Named<T>> {
        let mut all: Vec<_> = self.heads.iter().flat_map(Chain::iter).map(|named| &**named).collect();
        all.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        all
    }
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
                        if let Some(named) = names.get_or_add(&format!("name {i}")) {
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
