// Reads what is pending on a descriptor without consuming it.
#ifndef CLINUX_PEEK_H
#define CLINUX_PEEK_H

#include <stddef.h>

/// Copies up to `room` (at most 16) of the octets that will be read next, without consuming them. Waits for an empty
/// pipe, but no longer than `milliseconds`. Returns how many octets were copied, or -1.
int tcptrace_peek(int descriptor, void *octets, size_t room, int milliseconds);

#endif
