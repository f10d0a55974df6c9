//! What the state file should say, kept the plain way; and commits to try it
//! with.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use packet::{Locator, MacAddr, SegmentId, Slot, VirtualAddr};
use vswitch::state::{
    Author, Cause, Commit, Confirmation, MappingChange, MappingPlace, NetworkText, Notice,
    PortText, Recovered, RequestId, Revision, Store, TopologyRecord, Unconfirmed,
};

pub(crate) const HOST: &str = "r";

/// All that the state file says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Model {
    pub(crate) recovered: Recovered,
    pub(crate) mappings: BTreeMap<(SegmentId, VirtualAddr), MappingPlace>,
}

impl Model {
    pub(crate) fn change(&mut self, changes: &[MappingChange]) {
        for change in changes {
            let key = (change.segment, change.address);
            match change.place {
                Some(place) => self.mappings.insert(key, place),
                None => self.mappings.remove(&key),
            };
        }
    }

    pub(crate) fn commit(&mut self, commit: &Commit) {
        self.change(&commit.mappings);
        let recovered = &mut self.recovered;
        recovered.revision = commit.revision;
        recovered.history.extend(commit.topology.clone());
        let over = recovered.history.len().saturating_sub(Recovered::HISTORY);
        recovered.history.drain(..over);
        match commit.confirmation {
            None => {}
            Some(Confirmation::Settled) => recovered.unconfirmed = None,
            Some(Confirmation::Awaited(unconfirmed)) => recovered.unconfirmed = Some(unconfirmed),
        }
        if let Some(ports) = &commit.ports {
            recovered.ports.clone_from(ports);
        }
        if let Some(request) = &commit.request {
            recovered.requests.push((request.clone(), commit.revision));
            let over = recovered.requests.len().saturating_sub(Recovered::REQUESTS);
            recovered.requests.drain(..over);
        }
    }

    /// All mappings, as a checkpoint wants them.
    pub(crate) fn snapshot(&self) -> Vec<MappingChange> {
        let mappings = self.mappings.iter();
        let mappings = mappings.map(|((segment, address), place)| MappingChange {
            segment: *segment,
            address: *address,
            place: Some(*place),
        });
        mappings.collect()
    }
}

/// Opens a file and reads all of it.
pub(crate) fn open(path: &Path) -> (Store, Model, Vec<Notice>) {
    let (store, recovered, notices) = Store::open(path, HOST).unwrap();
    let mut model = Model {
        recovered,
        ..Model::default()
    };
    let replayed = store.replay(|changes| model.change(changes)).unwrap();
    assert!(replayed.changes >= model.mappings.len() as u64);
    (store, model, notices)
}

/// Numbers that look random, the same for the same seed.
#[derive(Debug, Clone)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn roll(&mut self) -> u64 {
        // SplitMix64 (Steele, Lea, Flood 2014).
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.roll() % end
    }
}

fn time(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_nanos(1_700_000_000_000_000_007 + seconds * 1_000_000_123)
}

/// The commit that has this revision: always the same one.
pub(crate) fn nth(revision: u64) -> Commit {
    let mut dice = Dice::new(revision);
    let mut commit = Commit::empty(Revision(revision));
    let changes = match dice.below(8) {
        0 => 0,
        1..=4 => dice.below(4),
        5 | 6 => dice.below(200),
        _ => dice.below(6000),
    };
    commit.mappings = (0..changes).map(|_| change(&mut dice)).collect();
    if dice.below(6) == 0 {
        commit.topology = Some(topology(revision, &mut dice));
    }
    commit.confirmation = match dice.below(12) {
        0 => Some(Confirmation::Settled),
        1 => Some(Confirmation::Awaited(Unconfirmed {
            revision: Revision(revision),
            until: time(revision + 60),
            back_to: Revision(revision / 2),
        })),
        _ => None,
    };
    if dice.below(9) == 0 {
        let ports = (0..dice.below(4)).map(|n| PortText {
            name: format!("vm-{n}"),
            text: format!("{{ name: vm-{n}, memory: true }} # {revision}"),
        });
        commit.ports = Some(ports.collect());
    }
    if dice.below(3) != 0 {
        commit.request = RequestId::new(&format!("request-{revision}"));
    }
    commit
}

pub(crate) fn change(dice: &mut Dice) -> MappingChange {
    let segment = [1, 0xa001, 0xa002, SegmentId::MAX][(dice.roll() % 4) as usize];
    let place = (dice.below(4) != 0).then(|| MappingPlace {
        locator: Locator::from_bits(0xfd00_0000_0000_0000 | dice.below(50)),
        slot: Slot::new(if dice.below(3) == 0 {
            dice.below(64) as u8
        } else {
            0
        })
        .unwrap(),
        mac: MacAddr::new(dice.roll().to_be_bytes()[..6].try_into().unwrap()),
    });
    MappingChange {
        segment: SegmentId::new(segment).unwrap(),
        address: VirtualAddr::from_bits((dice.below(3000) as u32).wrapping_mul(1_431_655)),
        place,
    }
}

fn topology(revision: u64, dice: &mut Dice) -> TopologyRecord {
    let causes = [
        Cause::Configured,
        Cause::Applied,
        Cause::RolledBack,
        Cause::Unconfirmed,
    ];
    let networks: Vec<_> = (0..dice.below(5))
        .map(|n| {
            // Texts come back: those of few revisions, and empty ones.
            let text = dice.below(7).saturating_sub(1);
            NetworkText {
                name: format!("net-{n}"),
                label: format!("net-{n}.yaml"),
                first_line: n as u32 * 10 + 1,
                text: "segments: [] # é\r\n"
                    .repeat((text * text * 40) as usize)
                    .into(),
            }
        })
        .collect();
    TopologyRecord {
        revision: Revision(revision),
        at: time(revision),
        author: Author {
            uid: (dice.below(2) == 0).then_some(1000),
        },
        cause: causes[(dice.roll() % 4) as usize],
        summary: format!("{revision} is better"),
        networks,
    }
}
