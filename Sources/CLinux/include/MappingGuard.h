// Keeps a memory-mapped file that shrinks while it is read from killing the process with SIGBUS.
#ifndef CLINUX_MAPPING_GUARD_H
#define CLINUX_MAPPING_GUARD_H

#include <stddef.h>
#include <stdint.h>

#define CLINUX_GUARD_SLOTS 64

// Set by the SIGBUS handler: 1 once a page of the slot's mapping was found to be gone. Read it with tcptrace_mapping_was_cut.
extern int tcptrace_guard_cut[CLINUX_GUARD_SLOTS];

// Watches length bytes from start (both multiples of the page size, or the end rounded up by the caller). Returns a slot,
// or -1 when none is free or the handler cannot be installed. The first call installs a SIGBUS handler for the process.
int tcptrace_guard_mapping(void *start, size_t length);

// Stops watching. Call it before munmap.
void tcptrace_unguard_mapping(int slot);

// Whether pages of the mapping have been replaced by zeros since it is watched. slot must come from tcptrace_guard_mapping.
static inline int tcptrace_mapping_was_cut(int slot) {
    return __atomic_load_n(&tcptrace_guard_cut[slot & (CLINUX_GUARD_SLOTS - 1)], __ATOMIC_RELAXED);
}

#endif
