// Looks at what waits on a descriptor without taking it away: pread(2) of a file, tee(2) of a pipe.
#define _GNU_SOURCE
#include "Peek.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

// What kind of file it is (S_IFMT); 0 if nobody knows.
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
    // What tee(2) has copied is there, so that read(2) does not wait.
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
