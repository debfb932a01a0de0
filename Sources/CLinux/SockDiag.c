// The system calls behind SockDiag.h.
#define _GNU_SOURCE
#include "SockDiag.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

int tcptrace_sock_diag_open(void) {
    int opened = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
    if (opened < 0) return -1;
    struct sockaddr_nl address = {.nl_family = AF_NETLINK};
    struct timeval patience = {.tv_sec = 0, .tv_usec = 500000};
    if (bind(opened, (struct sockaddr *)&address, sizeof address) != 0
        || setsockopt(opened, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) != 0) {
        int code = errno;
        close(opened);
        errno = code;
        return -1;
    }
    return opened;
}

ssize_t tcptrace_netlink_send(int descriptor, const void *bytes, size_t count) {
    struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
    return sendto(descriptor, bytes, count, 0, (struct sockaddr *)&kernel, sizeof kernel);
}

ssize_t tcptrace_netlink_receive(int descriptor, void *bytes, size_t count, int flags) {
    struct sockaddr_nl sender;
    memset(&sender, 0, sizeof sender);
    struct iovec part = {.iov_base = bytes, .iov_len = count};
    struct msghdr message;
    memset(&message, 0, sizeof message);
    message.msg_name = &sender;
    message.msg_namelen = sizeof sender;
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    ssize_t received = recvmsg(descriptor, &message, flags);
    if (received < 0) return -1;
    if (message.msg_flags & MSG_TRUNC) {
        errno = EMSGSIZE;
        return -1;
    }
    return sender.nl_pid == 0 ? received : 0;
}
