// What is asked of the system itself: an interface's offloads, the clock, another namespace.
#ifndef CLINUX_SYSTEM_CHECKS_H
#define CLINUX_SYSTEM_CHECKS_H

#include <linux/ethtool.h>
#include <stdint.h>

/// One of ethtool's on-off questions (ETHTOOL_GTSO, ETHTOOL_GGRO ...): 1, 0, or -1 if the interface does not say.
int tcptrace_offload(int descriptor, const char *interface, uint32_t question);

/// Enters the network namespace of this file (setns(2)), this thread alone; -1 with errno set on failure, EINVAL if the file is
/// no network namespace. Needs CAP_SYS_ADMIN.
int tcptrace_enter_network_namespace(const char *path);

/// Whether somebody (NTP, PTP) keeps the clock right; only looks.
int tcptrace_clock_is_disciplined(void);

#endif
