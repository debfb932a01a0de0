// tracefs and perf events: raw system calls, structures with bit fields, and ordered loads and stores of the ring.
#ifndef CLINUX_TRACING_H
#define CLINUX_TRACING_H

#include <errno.h>
#include <linux/perf_event.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/// Mounts tracefs without attaching it anywhere. Returns a descriptor for openat(2), whose closing unmounts it, or -1
/// with errno set.
static inline int tcptrace_tracefs_mount(void) {
    int context = (int)syscall(SYS_fsopen, "tracefs", 1 /* FSOPEN_CLOEXEC */);
    if (context < 0) return -1;
    int mount = -1;
    if (syscall(SYS_fsconfig, context, 6 /* FSCONFIG_CMD_CREATE */, NULL, NULL, 0) == 0)
        mount = (int)syscall(SYS_fsmount, context, 1 /* FSMOUNT_CLOEXEC */, 0x0f /* read-only, nosuid, nodev, noexec */);
    close(context);
    return mount;
}

static inline int tcptrace_perf_open(struct perf_event_attr *attr, int cpu, int clock, uint32_t watermark) {
    attr->size = sizeof *attr;
    attr->sample_type = PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_RAW;
    attr->sample_id_all = 1;
    attr->disabled = 1;
    attr->watermark = 1;
    attr->wakeup_watermark = watermark;
    attr->use_clockid = 1;
    attr->clockid = clock;
    return (int)syscall(SYS_perf_event_open, attr, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);
}

/// Opens an event for every hit of a tracepoint on one CPU, initially disabled. Returns -1 with errno set on failure.
static inline int tcptrace_perf_open_tracepoint(uint64_t identifier, int cpu, int clock, uint32_t watermark) {
    struct perf_event_attr attr;
    memset(&attr, 0, sizeof attr);
    attr.type = PERF_TYPE_TRACEPOINT;
    attr.config = identifier;
    attr.sample_period = 1;
    attr.read_format = PERF_FORMAT_LOST;
    int event = tcptrace_perf_open(&attr, cpu, clock, watermark);
    // Linux before 6.0 does not count lost records per event.
    if (event >= 0 || errno != EINVAL) return event;
    attr.read_format = 0;
    return tcptrace_perf_open(&attr, cpu, clock, watermark);
}

/// Opens an event for changes of process names on one CPU (exec, prctl) and for the ends of processes. Returns -1 with
/// errno set on failure.
static inline int tcptrace_perf_open_names(int cpu, int clock, uint32_t watermark) {
    struct perf_event_attr attr;
    memset(&attr, 0, sizeof attr);
    attr.type = PERF_TYPE_SOFTWARE;
    attr.config = PERF_COUNT_SW_DUMMY;
    attr.sample_period = 1;
    attr.comm = 1;
    attr.comm_exec = 1;
    attr.task = 1;
    return tcptrace_perf_open(&attr, cpu, clock, watermark);
}

/// Redirects an event's records to the ring of another event on the same CPU. Returns 0, or -1 with errno set.
static inline int tcptrace_perf_share_ring(int event, int ring) { return ioctl(event, PERF_EVENT_IOC_SET_OUTPUT, ring); }

/// Records only hits that match an event filter. Returns 0, or -1 with errno set.
static inline int tcptrace_perf_filter(int event, const char *filter) {
    return ioctl(event, PERF_EVENT_IOC_SET_FILTER, filter);
}

/// Enables an event. Returns 0, or -1 with errno set.
static inline int tcptrace_perf_enable(int event) { return ioctl(event, PERF_EVENT_IOC_ENABLE, 0); }

/// Disables an event. Returns 0, or -1 with errno set.
static inline int tcptrace_perf_disable(int event) { return ioctl(event, PERF_EVENT_IOC_DISABLE, 0); }

/// Gets how many records of a tracepoint's event must be in its ring: its hits minus those that found no room. Returns
/// 0 if the kernel does not report this (before 6.0), otherwise 1.
static inline int tcptrace_perf_records(int event, uint64_t *records) {
    uint64_t value[2];
    if (read(event, value, sizeof value) != sizeof value) return 0;
    *records = value[0] > value[1] ? value[0] - value[1] : 0;
    return 1;
}

/// Loads how far the kernel has written, before any of the bytes that this covers.
static inline uint64_t tcptrace_ring_head(const void *control) {
    return __atomic_load_n(&((const struct perf_event_mmap_page *)control)->data_head, __ATOMIC_ACQUIRE);
}

/// Stores how far the ring has been read, after all loads of those bytes: the kernel may overwrite them from then on.
static inline void tcptrace_ring_set_tail(void *control, uint64_t tail) {
    __atomic_store_n(&((struct perf_event_mmap_page *)control)->data_tail, tail, __ATOMIC_RELEASE);
}

#endif
