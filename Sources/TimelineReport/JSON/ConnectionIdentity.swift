// The keys by which every record names its connection, written once a connection.

import TCPModel
import TCPTimeline

/// `uid` and the four of the four-tuple, as members of a JSON object.
struct ConnectionIdentity {
    let uid: String
    fileprivate let members: [UInt8]

    /// Of no connection.
    init() {
        uid = ""
        members = []
    }

    init(_ connection: Connection) {
        uid = connectionUID(connection)
        var object = JSONObject()
        object.add("uid", string: uid)
        object.add("id.orig_h", string: connection.tuple.source.address.description)
        object.add("id.orig_p", number: connection.tuple.source.port)
        object.add("id.resp_h", string: connection.tuple.destination.address.description)
        object.add("id.resp_p", number: connection.tuple.destination.port)
        members = object.members
    }
}

extension JSONObject {
    /// Adds the keys of a connection.
    mutating func add(_ identity: ConnectionIdentity) { add(members: identity.members) }
}
