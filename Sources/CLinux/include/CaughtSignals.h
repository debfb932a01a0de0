// Signals that are caught and written to a pipe; a second one that asks to stop ends the process, wherever it waits.
#ifndef CLINUX_CAUGHT_SIGNALS_H
#define CLINUX_CAUGHT_SIGNALS_H

#include <stddef.h>

// Catches these signals, also if they were blocked or ignored; only a SIGHUP that nohup(1) ignores stays so. Returns the
// descriptor to read from, one octet for each signal: its number. It does not block, and stays open for the process's life.
// -1 with errno on failure: EBUSY if signals are being caught already.
int tcptrace_catch_signals(const int *signals, size_t count);

// From now on the first SIGINT, SIGTERM or SIGHUP is like a second one: it does what it does by default.
void tcptrace_end_at_next_signal(void);

// Whether a caught signal has asked to stop.
int tcptrace_asked_to_stop(void);

// Puts the signals back as they were, and forgets those that were caught and not read; a SIGUSR1 that would end the process is
// ignored from now on.
void tcptrace_release_signals(void);

#endif
