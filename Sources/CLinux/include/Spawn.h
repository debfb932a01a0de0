// Starts a program that cannot outlive the process that started it.
#ifndef CLINUX_SPAWN_H
#define CLINUX_SPAWN_H

#include <stdint.h>
#include <sys/types.h>

// Runs path with argv (ended by a null pointer) in a process group of its own, with these descriptors as its standard
// streams, no signal blocked, and SIGKILL for it when the calling thread ends. Returns its pid, or -1 with errno set when
// there is no new process. A program that cannot be executed ends with code 127. The descriptors stay the caller's.
pid_t tcptrace_spawn_tied(const char *path, char *const argv[], int input, int output, int errors);

// Makes a process that is to run argv (ended by a null pointer; the program is looked for in PATH) with our standard streams and in our
// process group, no signal blocked, SIGPIPE as usual. With become, as this user and group and with these groups, without any
// capability of ours. Returns its pid, or -1 with errno set. It waits at the gate, a descriptor: one of the two below follows.
pid_t tcptrace_prepare_command(
    char *const argv[], int become, uid_t user, gid_t group, const gid_t *groups, size_t count, int *gate);

// Lets it run, and closes the gate. Returns 0 once the program runs, or -1 with errno set: it cannot be executed, and is gone.
int tcptrace_run_command(pid_t child, int gate);

// It never runs: closes the gate, and waits for its end. Leaves errno alone.
void tcptrace_abandon_command(pid_t child, int gate);

// Lets us have so many descriptors open, as far as we may: the usual limit is 1024, and large machines want more. Returns how many
// may be open now. Programs that are run from here have the limit that was before.
uint64_t tcptrace_want_descriptors(uint64_t count);

// Descendants whose parents end become our children, not the first process's; -1 with errno set on failure.
int tcptrace_adopt_orphans(void);

#endif
