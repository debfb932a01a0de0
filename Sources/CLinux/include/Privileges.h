// Capabilities of this thread (capabilities(7)), read and given up, and the switches of prctl(2) that go with that.
#ifndef CLINUX_PRIVILEGES_H
#define CLINUX_PRIVILEGES_H

#include <stdint.h>

/// The effective and the permitted set, bit n = capability n; -1 with errno set on failure.
int tcptrace_get_capabilities(uint64_t *effective, uint64_t *permitted);

/// Makes this the effective and the permitted set, the inheritable one empty; -1 with errno set on failure.
int tcptrace_set_capabilities(uint64_t set);

/// Makes this the effective set, as far as the permitted one has it; -1 with errno set on failure.
int tcptrace_set_effective(uint64_t set);

/// open(2) with the rights of this user and group, for who is root; -1 with errno set on failure.
int tcptrace_open_as(const char *path, int flags, uint32_t mode, uint32_t user, uint32_t group);

/// Whether the permitted set outlives a change from user 0 to another; -1 with errno set on failure.
int tcptrace_keep_capabilities(int keeps);

/// Makes these the real, effective and saved user and group of the whole process; -1 with errno set on failure.
int tcptrace_become(uint32_t user, uint32_t group);

/// Takes a capability off what any program run from here on can get; -1 with errno set on failure (EINVAL: unknown one).
int tcptrace_drop_bounding(int capability);

/// No capability passes to a program run from here on by being ambient; -1 with errno set on failure.
int tcptrace_clear_ambient(void);

/// No program run from here on gets more than this one has; -1 with errno set on failure.
int tcptrace_no_new_privileges(void);

#endif
