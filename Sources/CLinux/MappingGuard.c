// The SIGBUS handler behind MappingGuard.h: async-signal-safe, no locks in the handler.
#define _GNU_SOURCE
#include "MappingGuard.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int tcptrace_guard_cut[CLINUX_GUARD_SLOTS];

// end is 0 while a slot is not watched; start is written before it and read after it.
static uintptr_t slot_start[CLINUX_GUARD_SLOTS];
static uintptr_t slot_end[CLINUX_GUARD_SLOTS];
static int slot_taken[CLINUX_GUARD_SLOTS];

static struct sigaction previous;
static uintptr_t page_mask;
static int installed;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void on_sigbus(int number, siginfo_t *info, void *context) {
    (void)context;
    int saved = errno;
    uintptr_t fault = (uintptr_t)info->si_addr;
    // si_code > 0: from the kernel, so si_addr is a real fault address and not what kill(2) made up.
    if (info->si_code > 0) {
        for (int slot = 0; slot < CLINUX_GUARD_SLOTS; slot++) {
            uintptr_t end = __atomic_load_n(&slot_end[slot], __ATOMIC_ACQUIRE);
            if (end == 0 || fault >= end || fault < slot_start[slot]) {
                continue;
            }
            uintptr_t page = fault & ~page_mask;
            void *zeros = mmap((void *)page, end - page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
            if (zeros == MAP_FAILED) {
                break;
            }
            __atomic_store_n(&tcptrace_guard_cut[slot], 1, __ATOMIC_RELEASE);
            errno = saved;
            return;
        }
    }
    // Not ours: put back what was there before; the fault happens again and takes its usual course.
    sigaction(number, &previous, NULL);
    if (info->si_code <= 0) {
        raise(number);
    }
    errno = saved;
}

static void install(void) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_sigaction = on_sigbus;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    sigemptyset(&action.sa_mask);
    page_mask = (uintptr_t)sysconf(_SC_PAGESIZE) - 1;
    installed = sigaction(SIGBUS, &action, &previous) == 0;
}

int tcptrace_guard_mapping(void *start, size_t length) {
    pthread_once(&once, install);
    if (!installed || length == 0) {
        return -1;
    }
    for (int slot = 0; slot < CLINUX_GUARD_SLOTS; slot++) {
        int expected = 0;
        if (!__atomic_compare_exchange_n(&slot_taken[slot], &expected, 1, 0, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)) {
            continue;
        }
        __atomic_store_n(&tcptrace_guard_cut[slot], 0, __ATOMIC_RELAXED);
        slot_start[slot] = (uintptr_t)start;
        __atomic_store_n(&slot_end[slot], ((uintptr_t)start + length + page_mask) & ~page_mask, __ATOMIC_RELEASE);
        return slot;
    }
    return -1;
}

void tcptrace_unguard_mapping(int slot) {
    if (slot < 0 || slot >= CLINUX_GUARD_SLOTS) {
        return;
    }
    __atomic_store_n(&slot_end[slot], 0, __ATOMIC_RELEASE);
    __atomic_store_n(&slot_taken[slot], 0, __ATOMIC_RELEASE);
}
