// TCPTimeline
