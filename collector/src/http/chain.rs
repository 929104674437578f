//! A list that only grows and is read without a lock, so that cores which count at the same time
//! do not wait for one another.

use std::sync::OnceLock;

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_many_push_at_once_is_all_there() {
        let chain = Chain::default();
        std::thread::scope(|scope| {
            for thread in 0..8 {
                let chain = &chain;
                scope.spawn(move || (0..100).for_each(|i| chain.push(thread * 100 + i)));
            }
        });
        let mut all: Vec<i32> = chain.iter().copied().collect();
        all.sort_unstable();
        assert_eq!(all, (0..800).collect::<Vec<_>>());
    }
}
