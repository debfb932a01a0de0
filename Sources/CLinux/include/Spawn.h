// Starts a program that cannot outlive the process that started it.
#ifndef CLINUX_SPAWN_H
#define CLINUX_SPAWN_H

#include <sys/types.h>

// Runs path with argv (ended by a null pointer) in a process group of its own, with these descriptors as its standard
// streams, no signal blocked, and SIGKILL for it when the calling thread ends. Returns its pid, or -1 with errno set when
// there is no new process. A program that cannot be executed ends with code 127. The descriptors stay the caller's.
pid_t tcptrace_spawn_tied(const char *path, char *const argv[], int input, int output, int errors);

#endif
