// Starts child processes: programs that cannot outlive the process that started them, and commands that wait until they
// are allowed to run.
#ifndef CLINUX_SPAWN_H
#define CLINUX_SPAWN_H

#include <stdint.h>
#include <sys/types.h>

// Runs path with argv (terminated by a null pointer) in its own process group, with these descriptors as its standard
// streams and no signals blocked. It gets SIGKILL when the calling thread ends. Returns its pid, or -1 with errno set
// if no process could be created. If the program cannot be executed, the process exits with status 127. The caller
// keeps the descriptors.
pid_t tcptrace_spawn_tied(const char *path, char *const argv[], int input, int output, int errors);

// Creates a process that will run argv (terminated by a null pointer; the program is searched for in PATH) with our
// standard streams, in our process group, with no signals blocked and the default action for SIGPIPE. If `become`, it
// runs as this user and group, with these groups and without any of our capabilities. Returns its pid, or -1 with errno
// set. The process waits at the gate, a descriptor: call one of the two functions below next.
pid_t tcptrace_prepare_command(
    char *const argv[], int become, uid_t user, gid_t group, const gid_t *groups, size_t count, int *gate);

// Lets the process run, and closes the gate. Returns 0 once the program runs, or -1 with errno set if it cannot be
// executed; then the process is gone.
int tcptrace_run_command(pid_t child, int gate);

// Ends the process without running the program: closes the gate and waits for its end. Preserves errno.
void tcptrace_abandon_command(pid_t child, int gate);

// Raises the limit of open descriptors to `count`, as far as permitted: the usual limit is 1024, and large machines
// need more. Returns the limit now in force. Programs started from here get the original limit.
uint64_t tcptrace_want_descriptors(uint64_t count);

// Makes descendants whose parents exit our children rather than those of the first process; -1 with errno set on
// failure.
int tcptrace_adopt_orphans(void);

#endif
