// The names of the errors that TCP hands to programs.

/// Linux's name of an error that a TCP socket can have (asm-generic/errno.h, by number: a capture may be of another machine); nil for
/// any other.
public func errnoName(_ code: Int32) -> StaticString? {
    switch code {
    case 13: "EACCES"
    case 32: "EPIPE"
    case 64: "ENONET"
    case 71: "EPROTO"
    case 90: "EMSGSIZE"
    case 92: "ENOPROTOOPT"
    case 95: "EOPNOTSUPP"
    case 100: "ENETDOWN"
    case 101: "ENETUNREACH"
    case 103: "ECONNABORTED"
    case 104: "ECONNRESET"
    case 110: "ETIMEDOUT"
    case 111: "ECONNREFUSED"
    case 112: "EHOSTDOWN"
    case 113: "EHOSTUNREACH"
    default: nil
    }
}
