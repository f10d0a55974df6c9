//! The one instruction that safe Rust has no word for.
#![allow(unsafe_code, reason = "argued below")]

/// Asks the processor to bring a value's cache line near; nothing waits for it.
#[inline(always)]
pub(super) fn prefetch<T>(value: Option<&T>) {
    #[cfg(all(target_arch = "x86_64", not(any(miri, loom))))]
    if let Some(value) = value {
        use core::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: prefetching changes nothing that a program can see and never
        // faults, whatever the address; SSE, which it belongs to, is part of
        // every x86-64.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(core::ptr::from_ref(value).cast()) };
    }
    #[cfg(not(all(target_arch = "x86_64", not(any(miri, loom)))))]
    let _ = value;
}
