// Which end of a simulated connection a finding is about.

import TCPModel
import TCPTimeline

@testable import Simulator

extension FindingTruth {
    /// The end that a required finding is about: 0 the client, 1 the server, nil if it is not about a single one.
    func end(_ code: FindingCode) -> Int? {
        switch code {
        case .fastOpen, .synUnanswered, .synAckLost: truth.meanwhile.first?.sender
        case .refused: truth.meanwhile.first.map { 1 - $0.sender }
        case .zeroWindowStall: (0..<2).filter(stalls).count == 1 ? (0..<2).first(where: stalls) : nil
        case .keepaliveDead: resets([.keepAliveTimeout]).first?.sender
        case .reset: resets([.abort, .unreadText]).first?.sender
        case .resetAfterClose: resets([.lateText]).first?.sender
        case .timeWaitAssassination: truth.ends.firstIndex { $0?.timeWaitReset != nil }
        case .halfOpenPeer: resets([.noConnection]).first?.sender
        case .closeWaitLeak: truth.ends.firstIndex { $0?.state == .closeWait }
        case .halfClose: truth.captured.first { $0.segment.flags.has(.fin) }?.sender
        case .challengeAck: disturbed { !$0.isReset }
        case .rstIgnored: disturbed { $0.isReset }
        default: nil
        }
    }

    /// The target of the forged segments of this kind, if all of them had the same one.
    private func disturbed(_ fits: (SimulatedForgery) -> Bool) -> Int? {
        let senders = Set(truth.captured.compactMap { item in item.forgery.map(fits) == true ? item.sender : nil })
        return senders.count == 1 ? senders.first.map { 1 - $0 } : nil
    }
}
