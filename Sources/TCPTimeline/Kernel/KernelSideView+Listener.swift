// Which of those that listen on a responder's port its connection is with.

import TCPModel

extension KernelSideView {
    /// Takes in who listens: of several the one that a SYN without an answer may have met full. What waits to be accepted is with the
    /// only one in whose queue something is. `child` is this side's socket now.
    mutating func noteListeners(_ all: [KernelSocket], of child: KernelSocket?, isUnanswered: Bool) {
        // Whoever listens once its socket has gone has had nothing to do with it.
        guard child != nil || socket == nil else { return }
        guard var listener = all.first(where: \.isFull) ?? all.first else { return }
        let busy = all.filter { $0.receiveQueue > 0 }
        if let child, child.isUnaccepted, busy.count == 1 {
            listener = busy[0]
            listenerCount = 1
        } else if child != nil, listenerCount > 1, let known = self.listener {
            // One of them has taken it, and what the others do from now on is nothing to it.
            listener = all.first { $0.inode == known.inode } ?? known
        } else {
            listenerCount = all.count
        }
        // What has no answer met the full queue that refused it, not the room that there is by now.
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

    /// Whether a listener has refused anything since the connection's first segment, or does not tell.
    private func hasRefused(_ listener: KernelSocket) -> Bool {
        guard let drops = listener.drops, let before = listenerDrops.before ?? listenerDrops.first else {
            return true
        }
        return drops > before
    }
}
