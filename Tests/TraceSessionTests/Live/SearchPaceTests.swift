// When owners of sockets are searched for: the cost of a search decides.

import TCPModel
import Testing

@testable import TraceSession

@Suite struct SearchPaceTests {
    private let millisecond = Span.millisecond

    @Test func theFirstOneIsDue() {
        let pace = SearchPace()
        #expect(pace.isDue(Span.second, isCrowd: false) && pace.isDue(Span.second, isCrowd: true))
    }

    /// A process with tens of thousands of descriptors makes searches expensive: the trace must spend only a small part
    /// of its time on them.
    @Test func aDearOneIsPaidForFirst() {
        var pace = SearchPace()
        var spent: Int64 = 0
        for now in stride(from: Span.second, to: 11 * Span.second, by: Int(10 * millisecond))
        where pace.isDue(now, isCrowd: false) {
            spent += 200 * millisecond
            pace.note(start: now, now: now + 200 * millisecond, cost: 200 * millisecond)
        }
        #expect(spent > Span.second && spent < 2 * Span.second)
    }

    @Test func aCheapOneIsRepeatedAtOnceButNotInACrowd() {
        var pace = SearchPace()
        pace.note(start: Span.second, now: Span.second + millisecond, cost: millisecond)
        #expect(!pace.isDue(Span.second + 5 * millisecond, isCrowd: false))
        #expect(pace.isDue(Span.second + 6 * millisecond, isCrowd: false))
        #expect(!pace.isDue(Span.second + 499 * millisecond, isCrowd: true))
        #expect(pace.isDue(Span.second + 500 * millisecond, isCrowd: true))
    }
}
