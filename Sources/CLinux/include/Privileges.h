// Reads and drops capabilities of this thread (capabilities(7)), with the prctl(2) switches that go with them.
#ifndef CLINUX_PRIVILEGES_H
#define CLINUX_PRIVILEGES_H

#include <stdint.h>

/// Gets the effective and permitted sets, in which bit n is capability n; -1 with errno set on failure.
int tcptrace_get_capabilities(uint64_t *effective, uint64_t *permitted);

/// Makes `set` the effective and permitted set, and empties the inheritable one; -1 with errno set on failure.
int tcptrace_set_capabilities(uint64_t set);

/// Makes `set` the effective set, as far as the permitted set contains it; -1 with errno set on failure.
int tcptrace_set_effective(uint64_t set);

/// open(2) with the rights of this user and group, for a caller that is root; -1 with errno set on failure.
int tcptrace_open_as(const char *path, int flags, uint32_t mode, uint32_t user, uint32_t group);

/// Sets whether the permitted set survives a change from user 0 to another; -1 with errno set on failure.
int tcptrace_keep_capabilities(int keeps);

/// Sets the real, effective and saved user and group of the whole process; -1 with errno set on failure.
int tcptrace_become(uint32_t user, uint32_t group);

/// Removes a capability from those that programs run from here on can gain; -1 with errno set on failure (EINVAL for an
/// unknown capability).
int tcptrace_drop_bounding(int capability);

/// Clears the ambient set, so that programs run from here on inherit no capability from it; -1 with errno set on
/// failure.
int tcptrace_clear_ambient(void);

/// Prevents programs run from here on from gaining more privileges than this one has; -1 with errno set on failure.
int tcptrace_no_new_privileges(void);

#endif
