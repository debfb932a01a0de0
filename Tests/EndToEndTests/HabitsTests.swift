// Arguments that users of ss, netstat, lsof and kill type out of habit.

import Foundation
import Testing

@Suite struct HabitsTests {
    @Test("netstat's -tulpn is -tlpn, with a word on UDP") func listeners() throws {
        let server = try python(
            "import socket, time\ns = socket.socket(); s.bind(('127.0.0.1', 0)); s.listen(1)\n"
                + "print('port', s.getsockname()[1], flush=True); time.sleep(30)")
        try server.say("\n")
        let port = try #require(server.output.split(separator: " ").last?.dropLast())
        let listed = try tcptrace("sockets", "-tlpn", "port", String(port))
        #expect(
            listed.code == 0 && listed.errors.isEmpty && listed.text.split(separator: "\n").count == 2, "\(listed.text)"
        )
        for letters in ["-tulpn", "-tulnp", "-lntup"] {
            let outcome = try tcptrace("sockets", letters, "port", String(port))
            #expect(outcome.code == 0 && outcome.text == listed.text, "\(outcome.text)")
            #expect(outcome.errors == "tcptrace: -u: only TCP sockets are listed; ss -u lists UDP's\n")
        }
        // A bare number is a port, as after `kill`.
        let short = try tcptrace("sockets", "-l", String(port))
        #expect(short.code == 0 && short.text == listed.text, "\(short.errors)")
        server.signal(SIGKILL)
    }

    @Test("-p 1234: -p is tcpdump's") func aProcess() throws {
        let outcome = try tcptrace("-p", "1234")
        #expect(outcome.code == 64)
        #expect(
            outcome.errors.contains(
                "1234: a filter needs a keyword: tcptrace port 1234; -p is tcpdump's option, --pid 1234 chooses a process\n"
            ),
            "\(outcome.errors)")
        let port = try tcptrace("1234").errors
        #expect(port.contains("tcptrace port 1234\n") && !port.contains("--pid"), "\(port)")
    }

    @Test("a process that is not there is told of at once", .enabled(if: isRoot, "live traces need root"))
    func aProcessThatIsNotThere() throws {
        let outcome = try tcptrace(
            "-i", "lo", "-q", "--pid", "2000000000", "--pid", "\(getpid())", "--duration", "0.2", "port 1")
        let lines = outcome.errors.split(separator: "\n")
        #expect(outcome.code == 0, "\(outcome.errors)")
        #expect(lines.first == "tcptrace: --pid 2000000000: there is no such process now", "\(outcome.errors)")
        #expect(lines.count { $0.contains("no such process") } == 1, "\(outcome.errors)")
    }

    @Test("a number of -D stands for its interface", .enabled(if: isRoot, "live traces need root"))
    func numberedInterfaces() throws {
        let listed = try #require(try tcptrace("-D").lines.first { $0.contains(".lo [") })
        let number = try #require(listed.split(separator: ".").first.map(String.init))
        let outcome = try tcptrace("-ni\(number)", "-q", "--duration", "0.2", "port 1")
        #expect(outcome.code == 0 && outcome.errors.contains("listening on lo, "), "\(outcome.errors)")
        #expect(try tcptrace("-i", number, "-L").text.hasPrefix("Data link types for lo "))
        #expect(try tcptrace("-i", number, "-d", "tcp").text == tcptrace("-i", "lo", "-d", "tcp").text)
        for word in ["0", "999", "99999999999999999999"] {
            let none = try tcptrace("-i", word, "-q")
            #expect(
                none.code == 1 && none.errors.contains("\(word): No such device exists\nThere are: "), "\(none.errors)")
        }
    }

    @Test("a name comes before a number, as with tcpdump", .enabled(if: isRoot, "network namespaces need root"))
    func interfacesThatAreCalledByNumbers() throws {
        let script = "ip link add name 2 type veth peer name v && ip link set 2 up && exec \"$0\" -i 2 -L"
        let outcome = try Program("/usr/bin/unshare", ["-n", "/bin/sh", "-c", script, Program.tcptrace]).end()
        #expect(outcome.text.hasPrefix("Data link types for 2 "), "\(outcome.errors)")
    }

    @Test("of interfaces those of the network come first", .enabled(if: isRoot, "live traces need root"))
    func interfaces() throws {
        let outcome = try tcptrace("-i", "nosuch0", "-q")
        let line = try #require(outcome.errors.split(separator: "\n").first { $0.hasPrefix("There are: ") })
        let names = line.dropFirst("There are: ".count).components(separatedBy: ", ")
        let areReal = names.map { unsafe $0 == "any" || if_nametoindex($0) != 0 }
        #expect(areReal.contains(true) && areReal == areReal.sorted { $0 && !$1 }, "\(line)")
    }
}
