//! What tables and their publication are made of: the standard library's
//! atomics and a bounded queue; or, to be model-checked, loom's.

#[cfg(not(loom))]
pub(super) use crossbeam::queue::ArrayQueue;
#[cfg(loom)]
pub(super) use loom::sync::atomic::{AtomicBool, AtomicU64, Ordering};
#[cfg(not(loom))]
pub(super) use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

#[cfg(loom)]
pub(super) use modelled::ArrayQueue;

/// The queue as its users see it, under a lock: what it is made of itself is
/// not for our model to check.
#[cfg(loom)]
mod modelled {
    use std::collections::VecDeque;

    use loom::sync::{Mutex, MutexGuard};

    pub(in crate::tables) struct ArrayQueue<T> {
        items: Mutex<VecDeque<T>>,
        capacity: usize,
    }

    impl<T> ArrayQueue<T> {
        pub(in crate::tables) fn new(capacity: usize) -> Self {
            Self {
                items: Mutex::new(VecDeque::new()),
                capacity,
            }
        }

        pub(in crate::tables) fn push(&self, item: T) -> Result<(), T> {
            let mut items = self.items();
            if items.len() == self.capacity {
                return Err(item);
            }
            items.push_back(item);
            Ok(())
        }

        pub(in crate::tables) fn force_push(&self, item: T) -> Option<T> {
            let mut items = self.items();
            let full = items.len() == self.capacity;
            let oldest = if full { items.pop_front() } else { None };
            items.push_back(item);
            oldest
        }

        pub(in crate::tables) fn pop(&self) -> Option<T> {
            self.items().pop_front()
        }

        pub(in crate::tables) fn is_full(&self) -> bool {
            self.items().len() == self.capacity
        }

        fn items(&self) -> MutexGuard<'_, VecDeque<T>> {
            match self.items.lock() {
                Ok(items) => items,
                Err(poisoned) => poisoned.into_inner(),
            }
        }
    }
}
