//! One frame that the substrate delivered.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../datapath/tests/bench/mod.rs"]
mod bench;

use bench::R_UPLINKS;
use bench::ends::{ends_well, plan};
use bench::host::Way;
use vnet::compiled::PortId;

fuzz_target!(|frame: &[u8]| {
    thread_local! {
        static HOST: std::cell::RefCell<bench::Host> = plan().host().into();
    }
    HOST.with_borrow_mut(|host| {
        let outcome = host.substrate_delivers(frame);
        ends_well(Way::Substrate, PortId(R_UPLINKS[0]), &outcome);
    });
});
