// bpf(2): a small program attached to a tracepoint, the ring buffer that it writes to, and ordered loads and stores of
// that ring.
#ifndef CLINUX_KERNEL_PROGRAM_H
#define CLINUX_KERNEL_PROGRAM_H

#include <stdint.h>

/// Creates a ring buffer of `octets` octets, a power of two and at least one page, shared by programs on all CPUs.
/// Returns its descriptor, or -1 with errno set (always before Linux 5.8).
int tcptrace_bpf_ring(uint32_t octets);

/// Creates a map that holds one 64-bit number, initially 0, and can be mapped into memory. Returns its descriptor, or
/// -1 with errno set.
int tcptrace_bpf_number(void);

/// Loads a program for the tracepoint whose BTF type number is `type`; the kernel verifies the program and its memory
/// accesses. Returns its descriptor, or -1 with errno set. The helpers that read memory and the clock require a
/// GPL-compatible program: these instructions may be used under the GPL.
int tcptrace_bpf_load(const uint64_t *instructions, uint32_t count, uint32_t type);

/// Attaches a program to its tracepoint until the returned descriptor is closed. Returns -1 with errno set on failure.
int tcptrace_bpf_attach(int program);

/// How many hits a program missed because it was already running on that CPU when an interrupt or another task hit the
/// same tracepoint. -1 if the kernel does not report this (before 5.12).
int64_t tcptrace_bpf_missed(int program);

/// Loads a position in the ring, stored at the start of the consumer's or producer's page, before any of the octets
/// that it covers.
static inline uint64_t tcptrace_bpf_position(const void *page) {
    return __atomic_load_n((const uint64_t *)page, __ATOMIC_ACQUIRE);
}

/// Stores how far the ring has been read, after all loads of the octets read.
static inline void tcptrace_bpf_consumed(void *page, uint64_t position) {
    __atomic_store_n((uint64_t *)page, position, __ATOMIC_RELEASE);
}

/// Loads the first word of a record's header: its length, and flags for a record still being written or discarded.
static inline uint32_t tcptrace_bpf_header(const void *record) {
    return __atomic_load_n((const uint32_t *)record, __ATOMIC_ACQUIRE);
}

#endif
