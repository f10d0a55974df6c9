//! The daemon's rooms.
//!
//! * [`config`]: the file, checked and put into plain values.
//! * [`ports`]: where frames come from and go to.
//! * [`cores`]: which cores the workers turn on.
//! * [`worker`]: the poll-mode loop around the pipeline.
//! * [`slow_path`]: what packets need and workers must not do.
//! * [`commit`]: changes while packets fly; the only writer of the tables.
//! * [`control`]: the socket that `vswitchctl` speaks to; [`observe`] answers.
//! * [`snmp`]: the agents of logical devices.
//! * [`state`]: what survives a restart.
//! * [`take_over`]: from a vswitch that runs.
//! * [`platform`]: opens the ports, with DPDK or without; [`daemon`] puts it
//!   all together.
#![forbid(unsafe_code)]

pub mod commit;
pub mod config;
pub mod control;
pub mod cores;
pub mod daemon;
pub mod notify;
pub mod observe;
pub mod platform;
pub mod ports;
pub mod slow_path;
pub mod snmp;
pub mod state;
pub mod take_over;
pub mod worker;
