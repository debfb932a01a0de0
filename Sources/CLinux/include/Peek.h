// Looks at what waits on a descriptor without taking it away.
#ifndef CLINUX_PEEK_H
#define CLINUX_PEEK_H

#include <stddef.h>

/// Copies the octets that will be read next, `room` (16 at most) of them if there are so many; leaves them there, and never
/// waits longer than so many milliseconds (a pipe that is empty so far). Returns how many, or -1.
int tcptrace_peek(int descriptor, void *octets, size_t room, int milliseconds);

#endif
