// Guesses what a user means by a word that is not a filter: a file's name, a port, a misspelt verb.

import CLinux
import Glibc
import PacketSource
import TCPModel
import TeachingLab
import TraceSession

/// Interprets the first word of the command line. Words known to pcap-filter(7) are left alone.
enum BareArgument {
    /// Whether there is a file of this name that begins like a capture, compressed or not.
    static func isCapture(_ path: String) -> Bool {
        // There is nothing to close if open(2) fails; the path is NUL-terminated during the call.
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        var magic: UInt32 = 0
        // At most the four octets of `magic` are written. A pipe has no offset, so nothing is consumed from it.
        guard unsafe pread(descriptor, &magic, 4, 0) == 4 else { return false }
        return CaptureMagic.begins(UInt32(bigEndian: magic))
    }

    /// Whether a capture is waiting on standard input although none was requested. Nothing is consumed; a pipe that is
    /// still empty is given a moment.
    static var waitsOnStandardInput: Bool {
        var magic: UInt32 = 0
        // At most the four octets of `magic` are written.
        return unsafe tcptrace_peek(STDIN_FILENO, &magic, 4, 30) == 4 && CaptureMagic.begins(UInt32(bigEndian: magic))
    }

    /// Whether a word names a directory, or a file that is not a program, and is not a filter either. If it is no
    /// capture, reading it will report that.
    static func isOtherFile(_ word: String) -> Bool {
        var status = stat()
        // The path is NUL-terminated during the call, which fills the structure or fails.
        guard !FilterKeywords.all.contains(word[...]), unsafe stat(word, &status) == 0 else { return false }
        let kind = status.st_mode & S_IFMT
        guard kind == S_IFDIR || kind == S_IFREG && status.st_mode & (S_IXUSR | S_IXGRP | S_IXOTH) == 0 else {
            return false
        }
        return !isInterface(word) && (try? FilterSet(word, linkType: .ethernet)) == nil
    }

    /// Whether the word can only be a file's name, whether or not the file exists.
    static func isFileName(_ word: String) -> Bool {
        if word.hasPrefix("/") || word.hasPrefix("./") || word.hasPrefix("../") || word.hasPrefix("~/") { return true }
        let endings = [".pcap", ".pcapng", ".cap", ".snoop", ".gz", ".zst", ".ntar", ".dmp"]
        return !word.contains(" ") && endings.contains { word.lowercased().hasSuffix($0) }
    }

    /// Whether there is an interface of this name that is not a filter by itself.
    static func isInterface(_ word: String) -> Bool {
        // The name is NUL-terminated during the call.
        guard word.utf8.count < 16, unsafe if_nametoindex(word) != 0 else { return false }
        return (try? FilterSet(word, linkType: .ethernet)) == nil
    }

    /// Whether a shell would find a program of this name in PATH.
    static func isProgram(_ name: String) -> Bool {
        guard !name.contains("/"), !name.isEmpty, name.utf8.count < 256, let path = Terminal.environment("PATH") else {
            return false
        }
        // The path is NUL-terminated during the call.
        return path.split(separator: ":").contains { unsafe access("\($0)/\(name)", X_OK) == 0 }
    }

    /// The answer to a word that is not a filter and almost has the ending of a capture file; nil for other words.
    private static func answerToSlip(_ word: String) -> String? {
        guard let dot = word.lastIndex(of: "."), !word.contains(" "), word.utf8.count < 4096,
            (try? FilterSet(word, linkType: .ethernet)) == nil
        else { return nil }
        let ending = Array(word[word.index(after: dot)...].lowercased().utf8)
        guard 3...7 ~= ending.count else { return nil }
        let near = ["pcapng", "pcap", "cap"].filter { editDistance(ending, Array($0.utf8)) == 1 }
        if let file = near.map({ word[...dot] + $0 }).first(where: { isCapture(String($0)) }) {
            return "\(printable(word)): not a filter; did you mean tcptrace -r \(shellWord(String(file)))?"
        }
        // Host names and much else have endings similar to cap.
        guard near.contains(where: { $0 != "cap" }) else { return nil }
        return "\(printable(word)): not a filter; to read a capture file: tcptrace -r \(shellWord(word))"
    }

    /// The error for a word that looks like the name of a file or a host, but is neither a file nor a filter; nil for
    /// all other words.
    private static func answerToName(_ word: String) -> String? {
        var status = stat()
        let letters = word.utf8.filter { (0x61...0x7a).contains($0 | 0x20) }
        let isName = word.utf8.allSatisfy {
            (0x61...0x7a).contains($0 | 0x20) || (0x2d...0x39).contains($0) || $0 == 0x5f || $0 == 0x7e || $0 >= 0x80
        }
        // The path is NUL-terminated during the call, which fills the structure or fails.
        guard isName, !letters.isEmpty, word.contains(".") || word.contains("/"), word.utf8.count < 4096,
            !word.hasPrefix("tcp."), !FilterKeywords.all.contains(word.prefix { $0 != "." && $0 != "/" }),
            unsafe stat(word, &status) != 0
        else { return nil }
        do throws(CaptureError) {
            _ = try FilterSet(word, linkType: .ethernet)
            return nil
        } catch {
            // If it is clear what was meant, the error says that already.
            guard case .badFilter(let fault) = error, fault.hint == nil else { return nil }
        }
        let name = printable(word)
        let host = word.contains("/") ? "" : ", a host is chosen with tcptrace host \(name)"
        return
            "\(name): there is no such file, and it is not a filter either; a capture file is read with tcptrace -r FILE\(host)"
    }

    /// What to type instead of these words, if that is clear; nil otherwise. `isBehindP`: -p was given, which selects a
    /// process in other tools; `output`: the file of -w; `mayBeFile`: no interface was given.
    static func hint(_ words: [String], isBehindP: Bool = false, output: String? = nil, mayBeFile: Bool = false)
        -> String?
    {
        guard let first = words.first else { return nil }
        if words.count == 1, let port = UInt16(first) {
            let process = isBehindP ? "; -p is tcpdump's option, --pid \(port) chooses a process" : ""
            return "\(first): a filter needs a keyword: tcptrace port \(port)\(process)"
        }
        if isCapture(first) {
            let typed = (words + (output.map { ["-w", $0] } ?? [])).map(shellWord).joined(separator: " ")
            return "\(printable(first)) is a capture file: tcptrace -r \(typed)"
        }
        if isInterface(first) {
            return "\(first) is an interface: tcptrace -i \(words.map(shellWord).joined(separator: " "))"
        }
        if words.count == 1, let answer = answerToSlip(first) { return answer }
        // As the very first word it would have been taken for a verb.
        if TcpdumpArguments.verbs.contains(first) {
            return "\(first) is a verb, and comes first: tcptrace \(first) ..."
        }
        if let meant = OtherWords.hint(words) { return meant }
        if first == "version" { return "version: there is no such verb; it is tcptrace --version" }
        if words.count == 1, LabScenario(rawValue: first) != nil, !FilterKeywords.all.contains(first[...]) {
            return "\(first): not a filter, but a scenario of the lab: tcptrace lab \(first)"
        }
        // Of three letters, two may be swapped at most.
        if words.count == 1, first.utf8.count == 3, first.utf8.sorted() == "lab".utf8.sorted() {
            return "\(first): neither a verb nor a filter; did you mean tcptrace lab?"
        }
        for verb in TcpdumpArguments.verbs.sorted() where verb.count > 3 && verb != first {
            let most = verb.count > 5 ? 2 : 1
            guard abs(first.utf8.count - verb.utf8.count) <= most else { continue }
            if editDistance(Array(first.utf8), Array(verb.utf8)) <= most {
                return "\(first): neither a verb nor a filter; did you mean tcptrace \(verb)?"
            }
        }
        return words.count == 1 && mayBeFile ? answerToName(first) : nil
    }
}
