// bpf(2): a program of a few instructions on a tracepoint, the ring that it writes to, and that ring's ordered loads and stores.
#ifndef CLINUX_KERNEL_PROGRAM_H
#define CLINUX_KERNEL_PROGRAM_H

#include <stdint.h>

/// A ring of so many octets, a power of two and at least a page; programs on all CPUs share it. -1 with errno set (before 5.8).
int tcptrace_bpf_ring(uint32_t octets);

/// One number of 64 bits, 0 at first, that can be mapped. -1 with errno set.
int tcptrace_bpf_number(void);

/// Loads a program for the tracepoint of which `type` is the number among the kernel's types; the kernel verifies it, and what it
/// reads where. -1 with errno set. The helpers that read memory and the clock are for programs whose licence goes with the
/// kernel's: these instructions may be used under the GPL.
int tcptrace_bpf_load(const uint64_t *instructions, uint32_t count, uint32_t type);

/// Runs a program at each hit of its tracepoint until the descriptor is closed. -1 with errno set.
int tcptrace_bpf_attach(int program);

/// How many hits a program did not see, because it was at work on that CPU when an interrupt, or another task, came to the same
/// tracepoint. -1 where the kernel does not tell (before 5.12).
int64_t tcptrace_bpf_missed(int program);

/// A position in the ring, at the start of the consumer's or the producer's page, loaded before any of the octets that it covers.
static inline uint64_t tcptrace_bpf_position(const void *page) {
    return __atomic_load_n((const uint64_t *)page, __ATOMIC_ACQUIRE);
}

/// How far we have read, stored after all loads of those octets.
static inline void tcptrace_bpf_consumed(void *page, uint64_t position) {
    __atomic_store_n((uint64_t *)page, position, __ATOMIC_RELEASE);
}

/// The first word of a record's header: length, and whether it is still being written or is none.
static inline uint32_t tcptrace_bpf_header(const void *record) {
    return __atomic_load_n((const uint32_t *)record, __ATOMIC_ACQUIRE);
}

#endif
