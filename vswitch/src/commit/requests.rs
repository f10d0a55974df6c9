//! Which requests have been carried out, so that a client that did not hear the
//! answer can ask again.

use std::collections::{HashMap, VecDeque};

use super::order::{RequestId, Revision};
use crate::state::Recovered;

/// The newest requests. As many are in the state file.
#[derive(Debug, Default)]
pub(super) struct Requests {
    revisions: HashMap<RequestId, Revision>,
    /// Oldest first.
    order: VecDeque<RequestId>,
}

impl Requests {
    /// Those that a restart found.
    pub(super) fn recovered(requests: Vec<(RequestId, Revision)>) -> Self {
        let mut all = Self::default();
        for (id, revision) in requests {
            all.note(id, revision);
        }
        all
    }

    /// The revision that the request made, if it is remembered.
    pub(super) fn find(&self, id: &RequestId) -> Option<Revision> {
        self.revisions.get(id).copied()
    }

    /// The request has been carried out.
    pub(super) fn note(&mut self, id: RequestId, revision: Revision) {
        if self.revisions.insert(id.clone(), revision).is_some() {
            return;
        }
        self.order.push_back(id);
        if self.order.len() > Recovered::REQUESTS
            && let Some(oldest) = self.order.pop_front()
        {
            self.revisions.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_are_remembered() {
        let id = |n: usize| RequestId::new(&format!("request {n}")).unwrap();
        let mut requests = Requests::default();
        for n in 0..Recovered::REQUESTS + 3 {
            requests.note(id(n), Revision(n as u64));
            requests.note(id(n), Revision(n as u64));
        }
        assert_eq!(requests.find(&id(2)), None);
        assert_eq!(requests.find(&id(3)), Some(Revision(3)));
        assert_eq!(requests.order.len(), requests.revisions.len());
    }
}
