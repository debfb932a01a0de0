// fork and exec for Spawn.h. Between the two, the child of tcptrace_spawn_tied, whose parent may have threads, makes plain system calls
// alone. That of tcptrace_prepare_command also calls what need not be async-signal-safe (setgroups, setresgid, setresuid, execvp): it is
// made while the trace has one thread, before the one that writes and those that look names up.
#define _GNU_SOURCE
#include "Spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static struct rlimit former;
static int is_raised;

uint64_t tcptrace_want_descriptors(uint64_t count) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
    if (limit.rlim_cur >= count) return limit.rlim_cur;
    // Exceeding the hard limit requires CAP_SYS_RESOURCE.
    struct rlimit wanted = {.rlim_cur = count, .rlim_max = count > limit.rlim_max ? count : limit.rlim_max};
    if (setrlimit(RLIMIT_NOFILE, &wanted) != 0) {
        wanted = (struct rlimit){.rlim_cur = limit.rlim_max, .rlim_max = limit.rlim_max};
        if (count < limit.rlim_max || setrlimit(RLIMIT_NOFILE, &wanted) != 0) return limit.rlim_cur;
    }
    if (!is_raised) former = limit;
    is_raised = 1;
    return wanted.rlim_cur;
}

// Programs that use select(2) cannot handle large descriptor numbers.
static void restore_descriptors(void) {
    if (is_raised) setrlimit(RLIMIT_NOFILE, &former);
}

// Descriptors 0 to 2 are about to be replaced, and a source could be one of them.
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
    // Ctrl-C on the terminal is meant for the parent, which then ends its programs in order.
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    // The parent may have exited before the line above.
    if (getppid() != parent) _exit(127);

    int streams[3] = {above_streams(input), above_streams(output), above_streams(errors)};
    for (int number = 0; number < 3; number++) {
        if (streams[number] < 0 || dup2(streams[number], number) < 0) _exit(127);
    }
    execv(path, argv);
    _exit(127);
}

// The inherited handlers are ours and write to our pipes: restore the default actions until the program installs its
// own.
static void forget_handlers(void) {
    static const int caught[] = {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGWINCH, SIGCONT};
    for (size_t index = 0; index < sizeof caught / sizeof *caught; index++) {
        struct sigaction action;
        if (sigaction(caught[index], NULL, &action) == 0 && action.sa_handler != SIG_IGN) signal(caught[index], SIG_DFL);
    }
}

pid_t tcptrace_prepare_command(
    char *const argv[], int become, uid_t user, gid_t group, const gid_t *groups, size_t count, int *gate) {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return -1;
    pid_t child = fork();
    if (child != 0) {
        int code = errno;
        close(ends[1]);
        if (child < 0) close(ends[0]);
        *gate = child < 0 ? -1 : ends[0];
        errno = code;
        return child;
    }

    forget_handlers();
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    signal(SIGXFSZ, SIG_DFL);
    signal(SIGUSR2, SIG_DFL);
    restore_descriptors();
    close(ends[0]);
    // Do not run until the parent says so; if it never does, or exits, do not run at all.
    char word;
    ssize_t heard;
    do heard = read(ends[1], &word, 1);
    while (heard < 0 && errno == EINTR);
    if (heard != 1) _exit(127);
    // This end stays open until exec closes it, which tells the parent that the program runs.
    if (!become || (setgroups(count, groups) == 0 && setresgid(group, group, group) == 0
                    && setresuid(user, user, user) == 0))
        execvp(argv[0], argv);
    int code = errno;
    ssize_t written = write(ends[1], &code, sizeof code);
    _exit(written == sizeof code ? 127 : 126);
}

int tcptrace_run_command(pid_t child, int gate) {
    // If a signal has killed the child, no error comes back. That is not a failure here: the caller collects the
    // child's status.
    int code = 0;
    ssize_t length = send(gate, "", 1, MSG_NOSIGNAL);
    if (length == 1) {
        do length = read(gate, &code, sizeof code);
        while (length < 0 && errno == EINTR);
        if (length == sizeof code) waitpid(child, NULL, 0);
        else code = 0;
    }
    close(gate);
    errno = code;
    return code == 0 ? 0 : -1;
}

void tcptrace_abandon_command(pid_t child, int gate) {
    int code = errno;
    close(gate);
    while (waitpid(child, NULL, 0) < 0 && errno == EINTR) {}
    errno = code;
}

int tcptrace_adopt_orphans(void) { return prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); }
