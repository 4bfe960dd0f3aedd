// swift-tools-version: 6.2
import PackageDescription

/// Every target of ours: warnings are errors. Tests watch for overlapping access to a variable while they run; a release
/// does not, since each class's properties would pay for it.
let strict: [SwiftSetting] = [
    .treatAllWarnings(as: .error),
    .unsafeFlags(["-enforce-exclusivity=unchecked"], .when(configuration: .release)),
]

func floor(_ name: String, path: String? = nil, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: dependencies, path: path, swiftSettings: strict)
}

/// A target of things that emu.conf lists, and of one source that is named here. The plugin brings the others in,
/// those of unlisted things left out, and the table. The fuzzers do without: the sanitizer's flags would reach mkconf.
func listed(
    _ name: String, path: String? = nil, without exclude: [String] = [], source: String,
    _ dependencies: [Target.Dependency]
) -> Target {
    guard Context.environment["EMU_FUZZ"] == nil else {
        // All of it, and open to whoever drives a thing without its table.
        let open = strict + [.unsafeFlags(["-enable-testing"])]
        return .target(name: name, dependencies: dependencies, path: path, exclude: exclude, swiftSettings: open)
    }
    return .target(
        name: name, dependencies: dependencies, path: path, exclude: exclude, sources: [source], swiftSettings: strict,
        plugins: ["EmuConfPlugin"])
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(name: "\(name)Tests", dependencies: dependencies, swiftSettings: strict)
}

/// A libFuzzer target, there with EMU_FUZZ=1 only (see `make fuzz`).
func fuzz(_ name: String, _ dependency: String? = nil) -> [Target] {
    guard Context.environment["EMU_FUZZ"] != nil else { return [] }
    return [
        .executableTarget(
            name: "Fuzz\(name)", dependencies: [.byName(name: dependency ?? name)], path: "Tests/Fuzz/\(name)",
            exclude: ["corpus"], swiftSettings: strict + [.unsafeFlags(["-parse-as-library"])])
    ]
}

let package = Package(
    name: "emu",
    products: [.executable(name: "emu", targets: ["emu"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2")
    ],
    targets: [
        // C: system libraries, and what Swift cannot say.
        .systemLibrary(name: "CReadline", path: "Sources/CReadline", providers: [.apt(["libreadline-dev"])]),
        .systemLibrary(name: "CZlib", path: "Sources/CZlib", providers: [.apt(["zlib1g-dev"])]),
        .systemLibrary(name: "CSSL", path: "Sources/CSSL", providers: [.apt(["libssl-dev"])]),
        .target(name: "CShim"),
        .target(name: "CSandbox"),

        // The floors, lowest first (who may import whom: .ci/floors).
        floor("Host", ["CShim", "CSandbox", "CReadline", "CSSL"]),
        floor("NineP"),
        floor("Kernel", ["Host", "NineP"]),
        floor("Library", ["Kernel", "Host"]),
        floor("Codec", ["Kernel", "CZlib", "CSSL"]),
        listed("Devices", source: "RootFile+Unsafe.swift", ["Kernel", "Library", "Host", "NineP", "Codec"]),
        listed("Mnt", source: "Mnt.swift", ["Kernel", "Library", "NineP"]),
        listed("Linux", source: "Request.swift", ["Kernel", "Host"]),
        floor("Fuse", ["Kernel", "Host"]),
        floor("Vx", ["Linux", "Fuse", "Kernel", "Host"]),
        floor("Shell", ["Kernel", "Codec"]),
        listed("Builtins", source: "Builtins.swift", ["Kernel", "Library", "Codec", "Vx"]),
        floor("Applib", path: "appl/lib", ["Kernel", "Library", "Codec"]),
        listed("Filters", path: "appl/filters", source: "Filters.swift", ["Kernel", "Codec", "Shell", "Applib"]),
        listed(
            "Appl", path: "appl", without: ["filters", "lib"], source: "Appl.swift",
            ["Kernel", "Library", "Codec", "Mnt", "Shell", "Applib"]),
        .executableTarget(
            name: "emu",
            dependencies: [
                "Kernel", "Library", "Host", "Devices", "Mnt", "Linux", "Shell", "Builtins", "Filters", "Appl",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: strict),

        // The benchmarks: `make bench`.
        .target(name: "CBench"),
        .executableTarget(
            name: "emu-bench",
            dependencies: ["CBench", "Kernel", "Library", "NineP", "Host", "Devices", "Mnt", "Filters", "Appl"],
            swiftSettings: strict),

        // The generator: emu.conf, Modules, Lib and the scripts of appl in, Swift tables out.
        floor("Conf"),
        .executableTarget(name: "mkconf", dependencies: ["Conf"], swiftSettings: strict),
        .plugin(
            name: "EmuConfPlugin", capability: .buildTool(), dependencies: ["mkconf"], path: "Sources/EmuConfPlugin"),

        .target(
            name: "CodecTestSupport", dependencies: ["Codec"], path: "Tests/CodecTestSupport", swiftSettings: strict),
        .target(
            name: "NinePTestSupport", dependencies: ["NineP"], path: "Tests/NinePTestSupport", swiftSettings: strict),
        tests("NineP", ["NineP", "NinePTestSupport", "KernelTestSupport"]),
        tests("Codec", ["Codec", "CodecTestSupport", "Host"]),
        tests("Shell", ["Shell", "Devices", "Kernel", "KernelTestSupport"]),
        tests("Mask", ["Kernel", "Host", "Devices", "KernelTestSupport"]),
        .target(
            name: "ApplTestSupport", dependencies: ["Devices", "Kernel", "Host", "KernelTestSupport"],
            path: "Tests/ApplTestSupport", swiftSettings: strict),
        tests("Applib", ["Applib", "Kernel", "KernelTestSupport"]),
        tests("Filters", ["Filters", "Applib", "Devices", "Kernel", "ApplTestSupport", "KernelTestSupport"]),
        tests("Appl", ["Appl", "Filters", "Applib", "Devices", "Kernel", "ApplTestSupport", "KernelTestSupport"]),
        .target(
            name: "ConfTestSupport", dependencies: ["Conf"], path: "Tests/ConfTestSupport", swiftSettings: strict),
        tests("Conf", ["Conf", "ConfTestSupport"]),
        tests("Builtins", ["Builtins", "Devices", "Kernel", "KernelTestSupport"]),
        .target(
            name: "KernelTestSupport", dependencies: ["Kernel", "Host"], path: "Tests/KernelTestSupport",
            swiftSettings: strict),
        tests("Kernel", ["Kernel", "Library", "Host", "KernelTestSupport"]),
        .target(
            name: "LinuxTestSupport", dependencies: ["Linux", "Kernel"], path: "Tests/LinuxTestSupport",
            swiftSettings: strict),
        tests("Linux", ["Linux", "LinuxTestSupport", "Devices", "Kernel", "Host", "KernelTestSupport"]),
        tests("Fuse", ["Fuse", "Devices", "Mnt", "Kernel", "Host", "KernelTestSupport"]),
        tests("Devices", ["Devices", "Library", "Kernel", "Host", "CShim", "KernelTestSupport"]),
        .target(
            name: "MntTestSupport", dependencies: ["Mnt", "Kernel", "NineP"], path: "Tests/MntTestSupport",
            swiftSettings: strict),
        tests("Vx", ["Vx", "Linux", "Devices", "Mnt", "Kernel", "Host", "KernelTestSupport"]),
        tests("Mnt", ["Mnt", "MntTestSupport", "Devices", "Library", "Kernel", "Host", "NineP", "KernelTestSupport"]),
    ] + fuzz("Shell") + fuzz("Conf", "ConfTestSupport") + fuzz("Interface", "ConfTestSupport")
        + fuzz("Regex", "CodecTestSupport") + fuzz("NineP", "NinePTestSupport")
        + fuzz("MntClient", "MntTestSupport") + fuzz("Fuse") + fuzz("Elf", "LinuxTestSupport"),
    swiftLanguageModes: [.v6]
)

/// With EMU_TSAN=1 only what ThreadSanitizer looks at, since it builds all that is there (see `make tsan`).
if Context.environment["EMU_TSAN"] != nil {
    let watched: Set = [
        "CReadline", "CZlib", "CSSL", "CShim", "CSandbox", "Host", "NineP", "Kernel", "Library", "Codec", "Devices",
        "Mnt",
        "KernelTestSupport", "KernelTests", "DevicesTests", "MntTestSupport", "MntTests", "Conf", "mkconf",
        "EmuConfPlugin",
    ]
    package.targets.removeAll { !watched.contains($0.name) }
    package.products = []
    package.dependencies = []
}
