// Finds lab-server and lab-client: beside this program, or else in PATH.

import Glibc

/// The paths of both lab programs.
struct LabPrograms {
    let server: String
    let client: String

    /// Finds both programs. `executable` is this program's file.
    init(beside executable: String) throws(TourError) {
        server = try Self.find("lab-server", beside: executable)
        client = try Self.find("lab-client", beside: executable)
    }

    private static func find(_ name: String, beside executable: String) throws(TourError) -> String {
        let own = executable.lastIndex(of: "/").map { String(executable[..<$0]) }
        for directory in [own].compactMap(\.self) + searchPath() {
            let path = "\(directory)/\(name)"
            // The path is NUL-terminated during the call.
            if unsafe access(path, X_OK) == 0 { return path }
        }
        let place = own.map { " beside \(executable) (in \($0))" } ?? ""
        throw .failed("\(name) is missing: it is neither\(place) nor in PATH. `swift build` builds it")
    }

    private static func searchPath() -> [String] {
        // getenv returns a NUL-terminated string of the environment, which this program never changes; it is copied.
        guard let value = unsafe getenv("PATH") else { return [] }
        return unsafe String(cString: value).split(separator: ":").map(String.init)
    }
}
