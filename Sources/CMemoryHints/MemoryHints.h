// Hints about memory for the CPU and the kernel. No result depends on them.
#ifndef MEMORY_HINTS_H
#define MEMORY_HINTS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>

/// Prefetches the cache line that contains this address, to be read and written soon. Any address is valid.
static inline void memory_hint_fetch(const void *place) { __builtin_prefetch(place, 1, 3); }

/// Populates the whole pages within this memory, which will soon be written: one call in place of one fault per page.
/// The memory must be the caller's. Kernels before 5.14, or with pages larger than 4096 octets, may do nothing.
static inline void memory_hint_populate(void *place, size_t length) {
#ifdef MADV_POPULATE_WRITE
    const uintptr_t page = 4096;
    const uintptr_t start = ((uintptr_t)place + page - 1) & ~(page - 1);
    const uintptr_t end = ((uintptr_t)place + length) & ~(page - 1);
    if (start < end) madvise((void *)start, end - start, MADV_POPULATE_WRITE);
#else
    (void)place;
    (void)length;
#endif
}

/// Asks the kernel to back this memory with large pages when it is first written to, if it has any. Otherwise it gets
/// normal pages.
static inline void memory_hint_large_pages(void *place, size_t length) {
#ifdef MADV_HUGEPAGE
    madvise(place, length, MADV_HUGEPAGE);
#else
    (void)place;
    (void)length;
#endif
}

#endif
