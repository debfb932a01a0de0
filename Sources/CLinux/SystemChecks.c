// The system calls behind SystemChecks.h.
#define _GNU_SOURCE
#include "SystemChecks.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/timex.h>
#include <unistd.h>

int tcptrace_offload(int descriptor, const char *interface, uint32_t question) {
    struct ifreq request;
    struct ethtool_value value = {.cmd = question};
    memset(&request, 0, sizeof request);
    strncpy(request.ifr_name, interface, IFNAMSIZ - 1);
    request.ifr_data = (char *)&value;
    if (ioctl(descriptor, SIOCETHTOOL, &request) != 0) return -1;
    return value.data != 0;
}

int tcptrace_enter_network_namespace(const char *path) {
    int opened = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (opened < 0) return -1;
    int result = setns(opened, CLONE_NEWNET);
    int code = errno;
    close(opened);
    errno = code;
    return result;
}

int tcptrace_clock_is_disciplined(void) {
    struct timex state;
    memset(&state, 0, sizeof state);
    return adjtimex(&state) >= 0 && !(state.status & STA_UNSYNC);
}
