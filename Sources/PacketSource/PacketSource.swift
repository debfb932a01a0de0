// PacketSource
