// Linux interfaces that Swift's Glibc module does not export: epoll, signalfd, timerfd, netlink, the SIGBUS guard for mapped files.
#ifndef CLINUX_H
#define CLINUX_H

#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>

#include "MappingGuard.h"
#include "CLinuxProcess.h"
#include "SockDiag.h"
#include "Spawn.h"

#endif
