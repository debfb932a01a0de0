// Message boundaries, for every kind of client that the lab has.

import Testing

@testable import LabTraffic

@Suite struct MessageSplitterTests {
    private func texts(_ messages: [Message]) -> [String] { messages.map { String(decoding: $0.bytes, as: UTF8.self) } }

    @Test func linesInPiecesWithBothLineEnds() {
        var splitter = MessageSplitter()
        #expect(texts(splitter.append(Array("on".utf8))) == [])
        #expect(splitter.hasPartialMessage)
        #expect(texts(splitter.append(Array("e\r\ntwo\n\nthr".utf8))) == ["one", "two", ""])
        #expect(texts(splitter.append(Array("ee\n".utf8))) == ["three"])
        #expect(!splitter.hasPartialMessage)
    }

    @Test func bytesWithoutLineEndAreAMessageAfterSilence() throws {
        var splitter = MessageSplitter()
        #expect(splitter.append(Array("Fin".utf8)).isEmpty)
        let flushed = splitter.flush()
        let message = try #require(flushed)
        #expect(message.form == .bare)
        #expect(message.isFin)
        let again = splitter.flush()
        #expect(again == nil)
    }

    @Test func finStandsAloneInAnyCase() {
        for text in ["fin", "FIN", " Fin \t"] { #expect(Message(bytes: Array(text.utf8), form: .line).isFin) }
        for text in ["", " ", "fi", "fino", "fin fin", "the fin"] {
            #expect(!Message(bytes: Array(text.utf8), form: .line).isFin)
        }
    }

    @Test func aLineOverTheLimitComesInPiecesAndMemoryStaysBounded() {
        var splitter = MessageSplitter()
        let limit = MessageSplitter.lineLimit
        var sizes: [Int] = []
        for _ in 0..<40 { sizes += splitter.append([UInt8](repeating: 0x61, count: 10000)).map(\.bytes.count) }
        sizes += splitter.append([0x0a]).map(\.bytes.count)
        #expect(sizes.dropLast().allSatisfy { $0 == limit })
        #expect(sizes.reduce(0, +) == 400_000)
        #expect(splitter.append([UInt8](repeating: 0x61, count: limit) + [0x0a]).map(\.bytes.count) == [limit])
        #expect(!splitter.hasPartialMessage)
    }

    /// The second frame's length, 10, is also a line feed: it must not be taken for the end of a line.
    @Test func writeUTFFramesWholeTogetherAndInPieces() {
        var splitter = MessageSplitter()
        let frames = splitter.append([0, 4] + Array("hola".utf8) + [0, 10] + Array("0123456789".utf8))
        #expect(texts(frames) == ["hola", "0123456789"])
        #expect(frames.allSatisfy { $0.form == .utfFrame })
        #expect(splitter.append([0, 3, 0x66]).isEmpty)
        #expect(splitter.append(Array("in".utf8)).map(\.isFin) == [true])
        #expect(frames[0].encodingReply(Array("ok".utf8)) == [0, 2, 0x6f, 0x6b])
    }

    @Test func zerosAreNoFrames() {
        var splitter = MessageSplitter()
        #expect(splitter.append([UInt8](repeating: 0, count: 1000)).isEmpty)
        #expect(splitter.flush()?.bytes.count == 1000)
    }

    @Test func aKeyboardHasNoFrames() {
        var splitter = MessageSplitter(recognisesFrames: false)
        #expect(splitter.append([0, 1, 0x61]).isEmpty)
        #expect(splitter.flush()?.bytes == [0, 1, 0x61])
    }

    @Test func nothingUnprintableIsShown() {
        let bytes = [0x1b, 0x5b, 0x9b, 0xff] + Array("\u{9b}\u{202e}\"\\é\n".utf8)
        #expect(Printable.quoted(bytes) == #""\x1b[\x9b\xff\u{009b}\u{202e}\"\\é\n""#)
        #expect(Printable.quoted([UInt8](repeating: 0x61, count: 600)).hasSuffix("a\"... (600 bytes)"))
    }
}
