// What securityfs reports about lockdown, and malformed text.

import Testing

@testable import KernelSockets

@Suite struct LockdownTests {
    @Test(arguments: [
        ("[none] integrity confidentiality\n", KernelLockdown.none), ("none [integrity] confidentiality\n", .integrity),
        ("none integrity [confidentiality]\n", .confidentiality), ("[none]", .none),
    ])
    func levels(_ text: String, _ level: KernelLockdown) { #expect(KernelLockdown.parse(Array(text.utf8)) == level) }

    @Test(arguments: [
        "", "none integrity confidentiality\n", "[", "][", "]none[", "[]", "[none", "[new]", "[\u{0}none]",
    ])
    func whatIsNone(_ text: String) { #expect(KernelLockdown.parse(Array(text.utf8)) == nil) }

    @Test func thisKernels() { #expect(KernelLockdown.current(folder: "/nonexistent") == nil) }
}
