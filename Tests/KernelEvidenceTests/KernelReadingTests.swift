// Default values of records.

import KernelEvidence
import TCPModel
import Testing

@Suite struct KernelReadingTests {
    @Test func aConnectionOfWhichNothingWasSaidHasNoSockets() {
        let client = SocketAddress(.loopbackV4, 40_000)
        let connection = ReadConnection(FourTuple(source: client, destination: SocketAddress(.loopbackV4, 9500)))
        #expect(connection.originator == nil && connection.responder == nil)
        #expect(connection.listeners.isEmpty && !connection.isOriginatorLocal && !connection.isResponderLocal)
    }
}
