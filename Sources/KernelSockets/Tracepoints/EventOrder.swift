// Sorts events that are almost in order of time.

import TCPModel

/// Sorts events by time; events at equal times keep their order. Events from one ring are almost sorted, so an
/// insertion sort usually moves only a few of them; if it needs too many moves, the whole array is sorted instead.
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
