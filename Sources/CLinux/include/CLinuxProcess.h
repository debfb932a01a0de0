// Process and terminal calls that Swift cannot make itself: raw system calls and variadic functions.
#ifndef CLINUX_PROCESS_H
#define CLINUX_PROCESS_H

#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

/// pidfd_open(2): a close-on-exec descriptor that always refers to this very process, even if its pid is reused; -1
/// with errno set on failure.
static inline int tcptrace_pidfd_open(pid_t pid) { return (int)syscall(SYS_pidfd_open, pid, 0); }

/// pidfd_send_signal(2): sends a signal to the process behind the descriptor; -1 with errno set on failure.
static inline int tcptrace_pidfd_send_signal(int pidfd, int signal) {
    return (int)syscall(SYS_pidfd_send_signal, pidfd, signal, 0, 0);
}

/// Stores the terminal's size in columns and rows and returns 1; returns 0 if the descriptor is not a terminal.
static inline int tcptrace_terminal_size(int descriptor, unsigned short *columns, unsigned short *rows) {
    struct winsize size;
    if (ioctl(descriptor, TIOCGWINSZ, &size) != 0) return 0;
    *columns = size.ws_col;
    *rows = size.ws_row;
    return 1;
}

#endif
