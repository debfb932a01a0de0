// TCPWire
