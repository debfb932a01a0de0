// The keys by which every record identifies its connection, formatted once per connection.

import TCPModel
import TCPTimeline

/// `uid` and the four keys of the four-tuple, as members of a JSON object.
struct ConnectionIdentity {
    /// The maximum size of the members for two IPv4 addresses, plus the spare room that an append requires.
    private static let usualSize = 136

    fileprivate let members: OutputBuffer

    /// The identity of no connection.
    init() { members = OutputBuffer() }

    init(_ connection: Connection) {
        members = JSONObject.members(capacity: Self.usualSize) { object in
            object.add(
                "uid",
                raw: { out in
                    out.append("\"")
                    out.append(uidOf: connection.name)
                    out.append("\"")
                })
            object.add("id.orig_h", address: connection.tuple.source.address)
            object.add("id.orig_p", number: connection.tuple.source.port)
            object.add("id.resp_h", address: connection.tuple.destination.address)
            object.add("id.resp_p", number: connection.tuple.destination.port)
        }
    }
}

extension JSONObject {
    /// Adds the identifying keys of a connection.
    @inline(__always) mutating func add(_ identity: ConnectionIdentity) { add(members: identity.members) }
}
