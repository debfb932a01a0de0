// Catches signals and writes them to a pipe. A second stop request terminates the process, wherever it is blocked.
#ifndef CLINUX_CAUGHT_SIGNALS_H
#define CLINUX_CAUGHT_SIGNALS_H

#include <stddef.h>

// Catches these signals, even if they were blocked or ignored; only an ignored SIGHUP, as under nohup(1), stays
// ignored. Returns a non-blocking descriptor, open for the life of the process, from which one octet can be read for
// each signal: its number. Returns -1 with errno set on failure: EBUSY if signals are already being caught, EINVAL if
// there are too many.
int tcptrace_catch_signals(const int *signals, size_t count);

// From now on, even the first SIGINT, SIGTERM or SIGHUP acts like a second one: it has its default effect.
void tcptrace_end_at_next_signal(void);

// Whether a caught signal has requested a stop.
int tcptrace_asked_to_stop(void);

// Restores the previous actions and signal mask, and forgets signals that were caught but not read. A SIGUSR1 that
// would terminate the process is ignored from now on.
void tcptrace_release_signals(void);

#endif
