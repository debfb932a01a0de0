// Queries about the system: an interface's offloads, the clock, another network namespace.
#ifndef CLINUX_SYSTEM_CHECKS_H
#define CLINUX_SYSTEM_CHECKS_H

#include <linux/ethtool.h>
#include <stdint.h>

/// Asks one of ethtool's on/off questions (ETHTOOL_GTSO, ETHTOOL_GGRO ...). Returns 1, 0, or -1 if the interface does
/// not answer.
int tcptrace_offload(int descriptor, const char *interface, uint32_t question);

/// Moves this thread alone into the network namespace of this file (setns(2)). Returns -1 with errno set on failure,
/// EINVAL if the file is not a network namespace. Needs CAP_SYS_ADMIN.
int tcptrace_enter_network_namespace(const char *path);

/// Whether the clock is disciplined, by NTP or PTP; changes nothing.
int tcptrace_clock_is_disciplined(void);

#endif
