//! One frame that a node sent: the first byte chooses the port.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../datapath/tests/bench/mod.rs"]
mod bench;

use bench::ends::{ends_well, plan};
use bench::host::Way;
use vnet::compiled::PortId;

fuzz_target!(|input: &[u8]| {
    thread_local! {
        static HOST: std::cell::RefCell<bench::Host> = plan().host().into();
    }
    if let Some((port, frame)) = input.split_first() {
        HOST.with_borrow_mut(|host| {
            let port = u16::from(*port % 9);
            let outcome = host.node_sends(port, frame);
            ends_well(Way::Node, PortId(port), &outcome);
        });
    }
});
