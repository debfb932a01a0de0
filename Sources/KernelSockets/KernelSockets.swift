// KernelSockets
