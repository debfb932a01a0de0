// What a program may tell the machine about its memory. Hints only: no result depends on them.
#ifndef MEMORY_HINTS_H
#define MEMORY_HINTS_H

/// Has the cache line with this octet fetched, to be read and written soon. Any address will do.
static inline void memory_hint_fetch(const void *place) { __builtin_prefetch(place, 1, 3); }

#endif
