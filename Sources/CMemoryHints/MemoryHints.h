// What a program may tell the machine about its memory. Hints only: no result depends on them.
#ifndef MEMORY_HINTS_H
#define MEMORY_HINTS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>

/// Has the cache line with this octet fetched, to be read and written soon. Any address will do.
static inline void memory_hint_fetch(const void *place) { __builtin_prefetch(place, 1, 3); }

/// Has whole pages within this memory made at once, which will be written soon: one call instead of a fault for each. The memory
/// has to be the caller's. A kernel before 5.14, or with larger pages than 4096 octets, may do nothing.
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

/// Has this memory, once it is written to, made of large pages where the kernel has some. Otherwise it is made as any other.
static inline void memory_hint_large_pages(void *place, size_t length) {
#ifdef MADV_HUGEPAGE
    madvise(place, length, MADV_HUGEPAGE);
#else
    (void)place;
    (void)length;
#endif
}

#endif
