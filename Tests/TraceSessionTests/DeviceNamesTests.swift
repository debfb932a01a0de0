// Names of interfaces by their index: each is looked up once.

import Testing

@testable import TraceSession

@Suite struct DeviceNamesTests {
    @Test func anInterfaceThatHasGoneIsAskedForOnce() {
        var asked: [UInt32] = []
        let names = DeviceNames { number in
            asked.append(number)
            return number == 1 ? "lo" : nil
        }
        for _ in 0..<3 {
            #expect(names.name(of: 1) == "lo")
            #expect(names.name(of: 7) == nil)
        }
        #expect(asked == [1, 7])
    }

    @Test func theyAreNotRememberedWithoutBound() {
        var asked = 0
        let names = DeviceNames { _ in
            asked += 1
            return nil
        }
        let numbers = UInt32(DeviceNames.limit)
        for number in 0...numbers { _ = names.name(of: number) }
        _ = names.name(of: 0)
        #expect(asked == Int(numbers) + 2)
    }

    @Test func theSystemKnowsLoopback() {
        #expect(DeviceNames().name(of: 1) == "lo")
        #expect(DeviceNames().name(of: .max) == nil)
    }
}
