// bpf(2). Kept out of the header because linux/bpf.h and libpcap's headers use the same names for different things.

#include "KernelProgram.h"

#include <linux/bpf.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static int call(int command, union bpf_attr *attr) { return (int)syscall(SYS_bpf, command, attr, sizeof *attr); }

int tcptrace_bpf_ring(uint32_t octets) {
    union bpf_attr attr;
    memset(&attr, 0, sizeof attr);
    attr.map_type = BPF_MAP_TYPE_RINGBUF;
    attr.max_entries = octets;
    return call(BPF_MAP_CREATE, &attr);
}

int tcptrace_bpf_number(void) {
    union bpf_attr attr;
    memset(&attr, 0, sizeof attr);
    attr.map_type = BPF_MAP_TYPE_ARRAY;
    attr.key_size = 4;
    attr.value_size = 8;
    attr.max_entries = 1;
    attr.map_flags = BPF_F_MMAPABLE;
    return call(BPF_MAP_CREATE, &attr);
}

int tcptrace_bpf_load(const uint64_t *instructions, uint32_t count, uint32_t type) {
    union bpf_attr attr;
    memset(&attr, 0, sizeof attr);
    attr.prog_type = BPF_PROG_TYPE_TRACING;
    attr.expected_attach_type = BPF_TRACE_RAW_TP;
    attr.attach_btf_id = type;
    attr.insns = (uint64_t)(uintptr_t)instructions;
    attr.insn_cnt = count;
    attr.license = (uint64_t)(uintptr_t)"GPL";
    return call(BPF_PROG_LOAD, &attr);
}

int64_t tcptrace_bpf_missed(int program) {
    union bpf_attr attr;
    struct bpf_prog_info info;
    memset(&attr, 0, sizeof attr);
    memset(&info, 0, sizeof info);
    attr.info.bpf_fd = (uint32_t)program;
    attr.info.info_len = sizeof info;
    attr.info.info = (uint64_t)(uintptr_t)&info;
    if (call(BPF_OBJ_GET_INFO_BY_FD, &attr) != 0) { return -1; }
    // An older kernel fills in fewer fields.
    if (attr.info.info_len < offsetof(struct bpf_prog_info, recursion_misses) + sizeof info.recursion_misses) { return -1; }
    return (int64_t)info.recursion_misses;
}

int tcptrace_bpf_attach(int program) {
    union bpf_attr attr;
    memset(&attr, 0, sizeof attr);
    attr.raw_tracepoint.prog_fd = (uint32_t)program;
    return call(BPF_RAW_TRACEPOINT_OPEN, &attr);
}
