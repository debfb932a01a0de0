// fork and exec for Spawn.h: between the two, only async-signal-safe calls.
#define _GNU_SOURCE
#include "Spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static struct rlimit former;
static int is_raised;

uint64_t tcptrace_want_descriptors(uint64_t count) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
    if (limit.rlim_cur >= count) return limit.rlim_cur;
    // Above the hard limit with CAP_SYS_RESOURCE only.
    struct rlimit wanted = {.rlim_cur = count, .rlim_max = count > limit.rlim_max ? count : limit.rlim_max};
    if (setrlimit(RLIMIT_NOFILE, &wanted) != 0) {
        wanted = (struct rlimit){.rlim_cur = limit.rlim_max, .rlim_max = limit.rlim_max};
        if (count < limit.rlim_max || setrlimit(RLIMIT_NOFILE, &wanted) != 0) return limit.rlim_cur;
    }
    if (!is_raised) former = limit;
    is_raised = 1;
    return wanted.rlim_cur;
}

// Programs that use select(2) cannot do with large numbers.
static void restore_descriptors(void) {
    if (is_raised) setrlimit(RLIMIT_NOFILE, &former);
}

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
    signal(SIGXFSZ, SIG_DFL);
    signal(SIGINT, SIG_DFL);
    restore_descriptors();
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

pid_t tcptrace_spawn_command(char *const argv[], int become, uid_t user, gid_t group, const gid_t *groups, size_t count) {
    int report[2];
    if (pipe2(report, O_CLOEXEC) != 0) return -1;
    pid_t child = fork();
    if (child == 0) {
        sigset_t none;
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        signal(SIGPIPE, SIG_DFL);
        signal(SIGXFSZ, SIG_DFL);
        signal(SIGUSR2, SIG_DFL);
        restore_descriptors();
        // The write end stays open until the program runs: closing it by executing is the good news.
        if (!become || (setgroups(count, groups) == 0 && setresgid(group, group, group) == 0
                        && setresuid(user, user, user) == 0))
            execvp(argv[0], argv);
        int code = errno;
        ssize_t written = write(report[1], &code, sizeof code);
        _exit(written == sizeof code ? 127 : 126);
    }
    int code = errno;
    close(report[1]);
    if (child > 0) {
        int said = 0;
        ssize_t count = 0;
        do count = read(report[0], &said, sizeof said);
        while (count < 0 && errno == EINTR);
        if (count == sizeof said) {
            waitpid(child, NULL, 0);
            child = -1;
            code = said;
        }
    }
    close(report[0]);
    errno = code;
    return child;
}

int tcptrace_adopt_orphans(void) { return prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); }
