// Linux interfaces that Swift's Glibc module does not export: epoll, timerfd, and the headers below.
#ifndef CLINUX_H
#define CLINUX_H

#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>

#include "CaughtSignals.h"
#include "KernelProgram.h"
#include "CLinuxProcess.h"
#include "Peek.h"
#include "Privileges.h"
#include "SockDiag.h"
#include "SystemChecks.h"
#include "Spawn.h"
#include "Tracing.h"

#endif
