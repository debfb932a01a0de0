// Netlink sockets for sock_diag(7): opening, sending, receiving from the kernel alone.
#ifndef CLINUX_SOCK_DIAG_H
#define CLINUX_SOCK_DIAG_H

#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <sys/types.h>

/// A sock_diag socket, bound; at most half a second is waited for an answer. Returns -1 with errno set on failure.
int tcptrace_sock_diag_open(void);

/// Sends one request to the kernel; -1 with errno set on failure.
ssize_t tcptrace_netlink_send(int descriptor, const void *bytes, size_t count);

/// Receives one datagram into at most `count` octets; -1 with errno set on failure. What another process sent gives 0. One
/// that did not fit gives -1 with EMSGSIZE.
ssize_t tcptrace_netlink_receive(int descriptor, void *bytes, size_t count, int flags);

#endif
