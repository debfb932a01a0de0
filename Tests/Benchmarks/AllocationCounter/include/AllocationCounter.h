// Counts this process's calls of the allocator, so that a benchmark can say how many a frame costs.
#ifndef ALLOCATION_COUNTER_H
#define ALLOCATION_COUNTER_H

#include <stdint.h>

// Calls of malloc, calloc, realloc, aligned_alloc and posix_memalign since the process began, in all threads.
uint64_t allocation_count(void);

#endif
