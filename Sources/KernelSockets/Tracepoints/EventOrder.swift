// Events by time: they come nearly in order.

import TCPModel

/// Brings events into the order of time; equal times keep their order. What comes from one ring is nearly sorted, so that moving a
/// few by a few places is all there is to do; else it is sorted as a whole.
func sortByTime(_ events: inout [SocketEvent]) {
    var moves = 0
    for index in events.indices.dropFirst() where events[index].time < events[index - 1].time {
        var place = index
        while place > 0, events[place].time < events[place - 1].time {
            events.swapAt(place, place - 1)
            place -= 1
            moves += 1
        }
        if moves > events.count { return events.sort { $0.time < $1.time } }
    }
}
