// swift-tools-version: 6.3
// The targets and their arrows are those of the architecture page: LayeringTests holds imports, page and package to each other.

import PackageDescription

let swiftSettings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .treatAllWarnings(as: .error),
    .strictMemorySafety(),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
]

/// Where each step happens a few times a connection, or once a run, the program is to be small: the compiler's speed is
/// for the rest.
let forSize = swiftSettings + [.unsafeFlags(["-Osize"], .when(configuration: .release))]

/// A library target of ours: every one is built with the same strictness.
func module(
    _ name: String, _ dependencies: [Target.Dependency] = [], _ settings: [SwiftSetting] = swiftSettings
) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: settings)
}

func tests(_ name: String, _ dependencies: [Target.Dependency], exclude: [String] = []) -> Target {
    .testTarget(name: name, dependencies: dependencies, exclude: exclude, swiftSettings: swiftSettings)
}

let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")

let package = Package(
    name: "tcptrace",
    products: [
        .executable(name: "tcptrace", targets: ["tcptrace"]),
        .executable(name: "lab-server", targets: ["lab-server"]),
        .executable(name: "lab-client", targets: ["lab-client"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2")
    ],
    targets: [
        // C: what Swift cannot import by itself.
        .systemLibrary(name: "CPcap", pkgConfig: "libpcap", providers: [.apt(["libpcap-dev"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .systemLibrary(name: "CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),
        .systemLibrary(name: "CMemoryHints"),
        .target(name: "CLinux"),

        // L0
        module("TCPModel"),

        // L1
        module("TCPWire", ["TCPModel"]),
        module("TCPMachine", ["TCPModel"]),
        module("PacketSource", ["TCPModel", "CPcap", "CZlib", "CZstd", "CLinux"]),
        module("KernelSockets", ["TCPModel", "CLinux"], forSize),
        module("KernelEvidence", ["TCPModel"]),
        module("LabTraffic"),

        // L2
        module("TCPTimeline", ["TCPModel", "TCPMachine", "CMemoryHints"]),

        // L3
        module("TCPDiagnosis", ["TCPModel", "TCPMachine", "TCPTimeline"], forSize),
        module("TimelineReport", ["TCPModel", "TCPMachine", "TCPTimeline"]),

        // L4
        module(
            "TraceSession",
            [
                "TCPModel", "TCPWire", "TCPMachine", "PacketSource", "KernelSockets", "KernelEvidence", "TCPTimeline",
                "TCPDiagnosis", "TimelineReport", "CLinux",
            ]
        ),
        module(
            "TeachingLab",
            ["TCPModel", "PacketSource", "KernelSockets", "TCPTimeline", "TimelineReport", "TraceSession", "CLinux"],
            forSize),

        // L5
        .executableTarget(
            name: "tcptrace",
            dependencies: [
                "TCPModel", "PacketSource", "TCPTimeline", "TCPDiagnosis", "TimelineReport", "TraceSession",
                "TeachingLab", "CLinux", argumentParser,
            ],
            exclude: ["Manual"],
            swiftSettings: forSize
        ),
        .executableTarget(
            name: "lab-server", dependencies: ["LabTraffic", argumentParser], exclude: ["Manual"],
            swiftSettings: swiftSettings),
        .executableTarget(
            name: "lab-client", dependencies: ["LabTraffic", argumentParser], exclude: ["Manual"],
            swiftSettings: swiftSettings),

        // What `make benchlive` runs; not installed
        .executableTarget(
            name: "tcptrace-bench-live", path: "Tests/LiveBenchmarks", swiftSettings: swiftSettings),

        // Tests, and the notation of exchanges that they share
        .target(
            name: "Exchanges", dependencies: ["TCPModel", "TCPMachine", "TCPTimeline"], path: "Tests/Exchanges",
            swiftSettings: swiftSettings),
        // Random numbers that are the same in each run
        .target(name: "SeededRandom", path: "Tests/SeededRandom", swiftSettings: swiftSettings),
        // Captures for tests: octet by octet, and where those of other projects are
        .target(name: "CaptureBuilding", path: "Tests/CaptureBuilding", swiftSettings: swiftSettings),
        // Two TCPs over a bad network, whose truth tests compare with
        .target(
            name: "Simulator", dependencies: ["Exchanges", "SeededRandom", "TCPModel", "TCPTimeline"],
            path: "Tests/Simulator",
            swiftSettings: swiftSettings),
        // What `make bench` runs; not installed
        .target(name: "AllocationCounter", path: "Tests/Benchmarks/AllocationCounter"),
        .executableTarget(
            name: "tcptrace-bench",
            dependencies: [
                "AllocationCounter", "SeededRandom", "TCPModel", "TCPWire", "PacketSource", "TCPTimeline",
                "TimelineReport",
            ],
            path: "Tests/Benchmarks", exclude: ["AllocationCounter"], swiftSettings: swiftSettings),
        tests("TCPModelTests", ["SeededRandom", "TCPModel"]),
        tests("TCPWireTests", ["CaptureBuilding", "SeededRandom", "TCPModel", "TCPWire"]),
        tests("PacketSourceTests", ["CaptureBuilding", "SeededRandom", "TCPModel", "PacketSource", "CZlib", "CZstd"]),
        tests("TCPMachineTests", ["Exchanges", "TCPModel", "TCPMachine"], exclude: ["Transitions.txt"]),
        tests("KernelSocketsTests", ["SeededRandom", "TCPModel", "KernelSockets"]),
        tests("KernelEvidenceTests", ["SeededRandom", "TCPModel", "KernelEvidence"]),
        tests("TCPTimelineTests", ["Exchanges", "SeededRandom", "Simulator", "TCPModel", "TCPMachine", "TCPTimeline"]),
        tests(
            "TCPDiagnosisTests",
            ["Exchanges", "Simulator", "TCPModel", "TCPMachine", "TCPTimeline", "TCPDiagnosis"]),
        tests(
            "TimelineReportTests",
            ["Exchanges", "SeededRandom", "TCPModel", "TCPMachine", "TCPTimeline", "TimelineReport"]),
        tests(
            "TraceSessionTests",
            [
                "CaptureBuilding", "TCPModel", "TCPWire", "PacketSource", "KernelSockets", "KernelEvidence",
                "TCPTimeline", "TimelineReport", "TraceSession",
            ]),
        tests(
            "ScenarioTests",
            [
                "CaptureBuilding", "Exchanges", "TCPModel", "TCPWire", "TCPMachine", "PacketSource", "TCPTimeline",
                "TimelineReport",
            ]),
        tests("LabTrafficTests", ["LabTraffic", "lab-server", "lab-client"]),
        tests(
            "EndToEndTests",
            ["CaptureBuilding", "SeededRandom", "tcptrace", "lab-server", "lab-client", "TCPDiagnosis", "CLinux"],
            exclude: ["Golden", "Traffic"]),
        tests("LayeringTests", []),
    ]
)
