//! Large arrays in large pages: a look-up that goes to memory need not go
//! there a second and a third time for the page's place.
#![allow(unsafe_code, reason = "argued below")]

/// What the range is rounded to: the largest ordinary page of any machine that
/// Linux runs on. To ask for this machine's would be one thing more that can
/// fail, under a simulator for one, and huge pages are larger yet.
#[cfg(all(target_os = "linux", not(any(miri, loom))))]
const PAGE: usize = 1 << 16;

/// Asks the kernel for huge pages under an array, as its pages are first
/// touched. A kernel that has none to give gives ordinary ones.
#[cfg(all(target_os = "linux", not(any(miri, loom))))]
pub(super) fn advise<T>(array: &[T]) {
    use rustix::mm::{Advice, madvise};

    let begin = array.as_ptr();
    // Whole pages only: the first may be shared with something else.
    let skipped = begin.cast::<u8>().align_offset(PAGE);
    let Some(len) = size_of_val(array).checked_sub(skipped) else {
        return;
    };
    let len = len - len % PAGE;
    if len == 0 {
        return;
    }
    let begin = begin.cast::<u8>().wrapping_add(skipped);
    // SAFETY: the range lies within `array`, which is borrowed. This advice
    // changes neither what memory holds nor what may be done with it, only the
    // size of the pages that will hold it.
    let advised = unsafe { madvise(begin.cast_mut().cast(), len, Advice::LinuxHugepage) };
    // A kernel without huge pages says no: slower, no more.
    let _ = advised;
}

#[cfg(not(all(target_os = "linux", not(any(miri, loom)))))]
pub(super) fn advise<T>(_: &[T]) {}
