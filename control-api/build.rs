//! Generates the messages and the service from `proto/`, in pure Rust: no
//! protoc is needed.

use std::error::Error;
use std::io::{self, Write as _};

fn main() -> Result<(), Box<dyn Error>> {
    writeln!(io::stdout(), "cargo::rerun-if-changed=proto")?;
    let descriptors = protox::compile(["vswitch/control/v1/control.proto"], ["proto"])?;
    tonic_prost_build::configure().compile_fds(descriptors)?;
    Ok(())
}
