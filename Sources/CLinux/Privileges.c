// The system calls behind Privileges.h.
#define _GNU_SOURCE
#include "Privileges.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

int tcptrace_get_capabilities(uint64_t *effective, uint64_t *permitted) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    struct __user_cap_data_struct data[2] = {{0}};
    if (syscall(SYS_capget, &header, data) != 0) return -1;
    *effective = (uint64_t)data[1].effective << 32 | data[0].effective;
    *permitted = (uint64_t)data[1].permitted << 32 | data[0].permitted;
    return 0;
}

int tcptrace_set_capabilities(uint64_t set) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    struct __user_cap_data_struct data[2] = {
        {.effective = (uint32_t)set, .permitted = (uint32_t)set},
        {.effective = (uint32_t)(set >> 32), .permitted = (uint32_t)(set >> 32)}};
    return (int)syscall(SYS_capset, &header, data);
}

int tcptrace_set_effective(uint64_t set) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    struct __user_cap_data_struct data[2] = {{0}};
    if (syscall(SYS_capget, &header, data) != 0) return -1;
    data[0].effective = data[0].permitted & (uint32_t)set;
    data[1].effective = data[1].permitted & (uint32_t)(set >> 32);
    return (int)syscall(SYS_capset, &header, data);
}

int tcptrace_open_as(const char *path, int flags, uint32_t mode, uint32_t user, uint32_t group) {
    // Changing the filesystem user id also drops, and later restores, the capabilities for other users' files. Neither
    // call reports failure: only what the next call returns shows whether it worked.
    setfsgid(group);
    setfsuid(user);
    int descriptor = -1, error = EPERM;
    if ((uint32_t)setfsuid(user) == user && (uint32_t)setfsgid(group) == group) {
        descriptor = open(path, flags, mode);
        error = errno;
    }
    setfsuid(geteuid());
    setfsgid(getegid());
    errno = error;
    return descriptor;
}

int tcptrace_keep_capabilities(int keeps) { return prctl(PR_SET_KEEPCAPS, keeps, 0, 0, 0); }

int tcptrace_drop_bounding(int capability) { return prctl(PR_CAPBSET_DROP, capability, 0, 0, 0); }

int tcptrace_clear_ambient(void) { return prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0); }

int tcptrace_no_new_privileges(void) { return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); }

int tcptrace_become(uint32_t user, uint32_t group) {
    // The group first, since only root may change it.
    if (setresgid(group, group, group) != 0) return -1;
    return setresuid(user, user, user);
}
