// Plays an exchange with statistics, for several suites.

import Exchanges
import TCPTimeline

/// Plays an exchange and returns its statistics.
func play(_ text: String, clientISN: UInt32 = 1000) -> (play: Play, statistics: ConnectionStatistics) {
    let play = Play(seed: 1, keepsStatistics: true)
    play.clientISN = clientISN
    play.feed(text)
    guard let statistics = play.timeline.connections.statistics(of: play.last.connection) else {
        preconditionFailure("the timeline keeps statistics")
    }
    return (play, statistics)
}
