// Which of the listeners on a responder's port its connection belongs to.

import TCPModel

extension KernelSideView {
    /// Takes in the listeners. Of several, the one kept is the one whose full queue an unanswered SYN may
    /// have met; a connection that waits to be accepted belongs to the only one with a non-empty queue.
    /// `child` is this side's socket now.
    mutating func noteListeners(_ all: [KernelSocket], of child: KernelSocket?, isUnanswered: Bool) {
        // A listener found after this side's socket has gone had nothing to do with it.
        guard child != nil || socket == nil else { return }
        guard var listener = all.first(where: \.isFull) ?? all.first else { return }
        let busy = all.filter { $0.receiveQueue > 0 }
        if let child, child.isUnaccepted, busy.count == 1 {
            listener = busy[0]
            listenerCount = 1
        } else if child != nil, listenerCount > 1, let known = self.listener {
            // One of them has taken it, and what the others do from now on is irrelevant to it.
            listener = all.first { $0.inode == known.inode } ?? known
        } else {
            listenerCount = all.count
        }
        // An unanswered SYN met the full queue that refused it, not the room that there is by now.
        hadFullQueue = false
        if isUnanswered, !listener.isFull, let known = self.listener, known.isFull,
            let now = all.first(where: { $0.inode == known.inode }), hasRefused(now)
        {
            listener = now
            listener.receiveQueue = known.receiveQueue
            hadFullQueue = true
        }
        if listener.inode != self.listener?.inode {
            listenerProcess = nil
            listenerSharers = []
            listenerSharerCount = 0
            listenerHoldersSought = nil
            listenerDrops = (nil, nil, nil)
        }
        self.listener = listener
        listenerDrops.first = listenerDrops.first ?? listener.drops
        listenerDrops.now = listener.drops
    }

    /// Whether a listener has refused anything since the connection's first segment, or does not report that.
    private func hasRefused(_ listener: KernelSocket) -> Bool {
        guard let drops = listener.drops, let before = listenerDrops.before ?? listenerDrops.first else {
            return true
        }
        return drops > before
    }
}
