// Reads what is pending on a descriptor without consuming it: pread(2) for files, tee(2) for pipes.
#define _GNU_SOURCE
#include "Peek.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

// The file type (S_IFMT bits); 0 if it is unknown.
static mode_t kind_of(int descriptor) {
    struct stat status;
    return fstat(descriptor, &status) == 0 ? status.st_mode & S_IFMT : 0;
}

static int peek_pipe(int descriptor, void *octets, size_t room, int milliseconds) {
    struct pollfd wait = {.fd = descriptor, .events = POLLIN};
    if (poll(&wait, 1, milliseconds) != 1 || !(wait.revents & POLLIN)) return -1;
    int copy[2];
    if (pipe2(copy, O_CLOEXEC) != 0) return -1;
    int count = -1;
    // What tee(2) has copied is already in the pipe, so read(2) does not block.
    if (tee(descriptor, copy[1], room, SPLICE_F_NONBLOCK) > 0) count = (int)read(copy[0], octets, room);
    close(copy[0]);
    close(copy[1]);
    return count;
}

int tcptrace_peek(int descriptor, void *octets, size_t room, int milliseconds) {
    if (room > 16) room = 16;
    switch (kind_of(descriptor)) {
    case S_IFREG: {
        off_t place = lseek(descriptor, 0, SEEK_CUR);
        return place < 0 ? -1 : (int)pread(descriptor, octets, room, place);
    }
    case S_IFIFO: return peek_pipe(descriptor, octets, room, milliseconds);
    default: return -1;
    }
}
