// TCPMachine
