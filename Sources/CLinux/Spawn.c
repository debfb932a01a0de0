// fork and exec for Spawn.h: between the two, only async-signal-safe calls.
#define _GNU_SOURCE
#include "Spawn.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

// The low numbers 0 to 2 are about to be replaced, and a source could be one of them.
static int above_streams(int descriptor) { return fcntl(descriptor, F_DUPFD_CLOEXEC, 3); }

pid_t tcptrace_spawn_tied(const char *path, char *const argv[], int input, int output, int errors) {
    pid_t parent = getpid();
    pid_t child = fork();
    if (child != 0) return child;

    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    signal(SIGINT, SIG_DFL);
    // Ctrl-C on the terminal is for the starter, which then ends its programs in order.
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    // The parent may have ended before the line above.
    if (getppid() != parent) _exit(127);

    int streams[3] = {above_streams(input), above_streams(output), above_streams(errors)};
    for (int number = 0; number < 3; number++) {
        if (streams[number] < 0 || dup2(streams[number], number) < 0) _exit(127);
    }
    execv(path, argv);
    _exit(127);
}
