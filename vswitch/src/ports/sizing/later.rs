//! Ports that are added while the daemon runs: the pool of buffers stays as it
//! was made, so room for them is kept from the start.

use super::{
    AF_XDP_MAX_ROOM, Demand, FRAME_OVERHEAD, Need, PortSize, SizeError, Sizes, check_mtu, of_port,
    port_size, room_for,
};
use crate::config::{PortConfig, PortSource};

/// Room is kept for so many ports where the configuration does not say.
pub const DEFAULT: u16 = 8;

/// Room that is kept for ports that may come.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reserve {
    pub(super) ports: u16,
}

impl Reserve {
    /// Enough for any kind of port that nodes have, with one queue.
    pub(super) fn buffers(self, workers: u16, chain: u64) -> u64 {
        let text = String::new;
        let kinds = [
            PortSource::Tap {
                interface: text(),
                mac: None,
            },
            PortSource::AfPacket { interface: text() },
            PortSource::Vhost {
                path: text().into(),
                client: false,
            },
        ];
        let of_kind = |source| {
            let port = PortConfig {
                name: text(),
                queues: 1,
                mtu: 0,
                descriptors: None,
                source,
            };
            of_port(&port, workers, chain)
        };
        let most = kinds.into_iter().map(of_kind).max().unwrap_or(0);
        most * u64::from(self.ports)
    }
}

/// A port does not fit what the daemon was started with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoRoom {
    /// The port is impossible by itself.
    #[error(transparent)]
    Size(#[from] SizeError),
    /// Its frames do not fit the pool's buffers.
    #[error(
        "port \"{port}\": frames of mtu {mtu} do not fit the packet buffers, which have room for \
         {room} bytes since the daemon started; lower the port's mtu to {fits}, or add the port to \
         the configuration file, then restart the daemon"
    )]
    Buffer {
        /// The port.
        port: String,
        /// Its MTU, in bytes.
        mtu: u16,
        /// The pool's buffers' room, in bytes.
        room: u16,
        /// The largest MTU that fits, in bytes.
        fits: u16,
    },
    /// Its kind works only with smaller buffers.
    #[error(
        "port \"{port}\": {kind} works only with packet buffers of up to {max} bytes, and those of \
         this daemon have {room}, for another port's mtu; use another kind of port (af_packet)"
    )]
    Kind {
        /// The port.
        port: String,
        /// Its kind.
        kind: &'static str,
        /// The most it can use, in bytes.
        max: u16,
        /// The pool's buffers' room, in bytes.
        room: u16,
    },
    /// The pool has too few buffers left.
    #[error(
        "port \"{port}\" may hold {need} packet buffers, and of the {pool} that the daemon started \
         with only {left} are not set aside for other ports; remove a port, use fewer queues or \
         descriptors, or set ports-reserve in the configuration file to more than {reserve}, then \
         restart the daemon"
    )]
    Pool {
        /// The port.
        port: String,
        /// Buffers it needs.
        need: u64,
        /// The pool's buffers.
        pool: u32,
        /// Of them, not set aside.
        left: u64,
        /// What the daemon was started with.
        reserve: u16,
    },
}

/// Does a port fit a running daemon? `now` is what the daemon has to hold
/// already, without reserve.
///
/// # Errors
/// [`NoRoom`]: what is too small, and what to do.
pub fn admit(running: &Sizes, now: &Demand<'_>, port: &PortConfig) -> Result<PortSize, NoRoom> {
    check_mtu(port)?;
    let room = running.data_room;
    if room_for(port) > room {
        return Err(NoRoom::Buffer {
            port: port.name.clone(),
            mtu: port.mtu,
            room,
            fits: room - FRAME_OVERHEAD,
        });
    }
    if matches!(port.source, PortSource::AfXdp { .. }) && room > AF_XDP_MAX_ROOM {
        return Err(NoRoom::Kind {
            port: port.name.clone(),
            kind: port.source.as_str(),
            max: AF_XDP_MAX_ROOM,
            room,
        });
    }
    let none = Reserve { ports: 0 };
    let needed = |ports: &[PortConfig]| {
        let need = Need::of(&Demand { ports, ..*now }, room, none);
        need.ports + need.rest
    };
    let with_it: Vec<PortConfig> = now.ports.iter().chain([port]).cloned().collect();
    let (before, after) = (needed(now.ports), needed(&with_it));
    let pool = u64::from(running.buffers);
    if after > pool {
        return Err(NoRoom::Pool {
            port: port.name.clone(),
            need: after - before,
            pool: running.buffers,
            left: pool.saturating_sub(before),
            reserve: running.reserve,
        });
    }
    Ok(port_size(port, now.workers))
}
