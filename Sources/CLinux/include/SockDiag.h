// Netlink sockets for sock_diag(7): opening them, sending to the kernel, and receiving from it alone.
#ifndef CLINUX_SOCK_DIAG_H
#define CLINUX_SOCK_DIAG_H

#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <sys/types.h>

/// Opens and binds a sock_diag socket, which waits at most half a second for an answer. Returns -1 with errno set on
/// failure.
int tcptrace_sock_diag_open(void);

/// Sends one request to the kernel; -1 with errno set on failure.
ssize_t tcptrace_netlink_send(int descriptor, const void *bytes, size_t count);

/// Receives one datagram of at most `count` octets. Returns its length, 0 for a datagram that another process sent, or
/// -1 with errno set: EMSGSIZE for a datagram that did not fit.
ssize_t tcptrace_netlink_receive(int descriptor, void *bytes, size_t count, int flags);

#endif
