// The signal handler behind CaughtSignals.h: async-signal-safe, no locks.
//
// No signal is blocked: a process that hangs in write(2), open(2) or anywhere else can still be terminated.
#define _GNU_SOURCE
#include "CaughtSignals.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

// same_wish: one stop request may arrive as two signals, since timeout(1) signals a process and then its group. Signals
// within this many milliseconds of the first one are the same request. most: how many signals can be caught.
enum { same_wish = 250, most = 8 };

static int ends[2] = {-1, -1};
static int taken;
static sigset_t mask;
static struct {
    int number;
    struct sigaction before;
} caught[most];
static size_t caught_count;
// When the first stop request arrived, in milliseconds of the monotonic clock; 0 if none has.
static int64_t asked;

static void on_signal(int number) {
    int saved = errno;
    if (number == SIGINT || number == SIGTERM || number == SIGHUP) {
        struct timespec time;
        clock_gettime(CLOCK_MONOTONIC, &time);
        int64_t now = (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
        int64_t first = 0;
        if (!__atomic_compare_exchange_n(&asked, &first, now, 0, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
            if (now - first >= same_wish) {
                // The first process of a container has no default signal actions.
                if (getpid() == 1) _exit(128 + number);
                signal(number, SIG_DFL);
                // The signal is blocked during its handler; it is delivered when the handler returns.
                raise(number);
            }
            errno = saved;
            return;
        }
    }
    unsigned char octet = (unsigned char)number;
    // If the pipe is full, it holds more than enough signals.
    ssize_t written = write(ends[1], &octet, 1);
    (void)written;
    errno = saved;
}

static void drain(void) {
    char octets[64];
    while (read(ends[0], octets, sizeof octets) > 0) {}
}

int tcptrace_catch_signals(const int *signals, size_t count) {
    if (count > most || __atomic_exchange_n(&taken, 1, __ATOMIC_ACQ_REL)) {
        errno = count > most ? EINVAL : EBUSY;
        return -1;
    }
    if (ends[0] < 0 && pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) {
        __atomic_store_n(&taken, 0, __ATOMIC_RELEASE);
        return -1;
    }
    drain();
    __atomic_store_n(&asked, 0, __ATOMIC_RELAXED);
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    // Blocking calls are restarted: code that must react to signals polls the pipe.
    action.sa_flags = SA_RESTART;
    sigset_t wanted;
    sigemptyset(&wanted);
    caught_count = 0;
    for (size_t index = 0; index < count; index++) {
        struct sigaction before;
        if (sigaction(signals[index], NULL, &before) != 0) continue;
        if (signals[index] == SIGHUP && before.sa_handler == SIG_IGN) continue;
        caught[caught_count].number = signals[index];
        caught[caught_count].before = before;
        caught_count++;
        sigaction(signals[index], &action, NULL);
        sigaddset(&wanted, signals[index]);
    }
    // The process that started us may have blocked them.
    pthread_sigmask(SIG_UNBLOCK, &wanted, &mask);
    return ends[0];
}

void tcptrace_end_at_next_signal(void) {
    int64_t nobody = 0;
    // A time long ago, so that the next stop request counts as the second.
    __atomic_compare_exchange_n(&asked, &nobody, 1, 0, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}

// 1 marks no request, see above; the monotonic clock is far beyond it.
int tcptrace_asked_to_stop(void) { return __atomic_load_n(&asked, __ATOMIC_RELAXED) > 1; }

void tcptrace_release_signals(void) {
    pthread_sigmask(SIG_SETMASK, &mask, NULL);
    for (size_t index = 0; index < caught_count; index++) {
        // A late request for progress (SIGUSR1) must not kill a program that has finished its work.
        if (caught[index].number == SIGUSR1 && caught[index].before.sa_handler == SIG_DFL)
            signal(SIGUSR1, SIG_IGN);
        else
            sigaction(caught[index].number, &caught[index].before, NULL);
    }
    drain();
    __atomic_store_n(&taken, 0, __ATOMIC_RELEASE);
}
