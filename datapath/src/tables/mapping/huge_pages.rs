//! Large arrays in large pages: a look-up that goes to memory need not go
//! there a second and a third time for the page's place.
#![allow(unsafe_code, reason = "argued below")]

/// Asks the kernel for huge pages under an array, as its pages are first
/// touched. A kernel that has none to give gives ordinary ones.
#[cfg(all(target_os = "linux", not(any(miri, loom))))]
pub(super) fn advise<T>(array: &[T]) {
    use rustix::mm::{Advice, madvise};

    let page = rustix::param::page_size();
    let begin = array.as_ptr();
    // Whole pages only: the first may be shared with something else.
    let skipped = begin.cast::<u8>().align_offset(page);
    let Some(len) = size_of_val(array).checked_sub(skipped) else {
        return;
    };
    let len = len - len % page;
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
