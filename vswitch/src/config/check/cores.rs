//! Are the cores there?

use vnet::diagnostic::Diagnostics;
use vnet::yaml::Located;

/// A recommendation only: the file may be checked on another machine than the
/// one it is for.
pub(super) fn check(cores: &[Located<u16>], out: &mut Diagnostics) {
    let Ok(allowed) = rustix::thread::sched_getaffinity(None) else {
        return;
    };
    for core in cores {
        if !allowed.is_set(usize::from(core.value)) {
            let message = format!("core {} is not one that this process may use", core.value);
            let remedy = "use a core of this machine (see nproc --all and taskset), or auto";
            out.warn(&core.place, message, remedy);
        }
    }
}
