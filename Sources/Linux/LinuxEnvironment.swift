import Kernel

extension Proc {
    /// The environment that a Linux program begins with, `NAME=value` each: the variables of the process, and those that
    /// Linux programs look for by names of their own, where the process has not set them. The page is `linux(3)`.
    public var linuxEnvironment: [[UInt8]] {
        let variables = environment.all
        var all: [[UInt8]] = []
        // A name with `=` in it would be read as a shorter one.
        for (name, variable) in variables where !name.utf8.contains(UInt8(ascii: "=")) {
            all.append(Array("\(name)=".utf8) + variable.value)
        }
        let names = Set(variables.map(\.name))
        for (name, source) in Self.linuxNames where !names.contains(name) {
            guard let value = source.value(environment) else { continue }
            all.append(Array("\(name)=".utf8) + value)
        }
        return all
    }

    /// Where a variable that Linux programs know comes from.
    private enum Source {
        case variable(String)
        case constant(String)

        func value(_ environment: Egrp) -> [UInt8]? {
            switch self {
            case .variable(let name): environment[name]?.value
            case .constant(let text): Array(text.utf8)
            }
        }
    }

    private static let linuxNames: [(String, Source)] = [
        ("HOME", .variable("home")), ("LOGNAME", .variable("user")),
        ("PATH", .constant("/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin")), ("SHELL", .constant("/bin/sh")),
        ("USER", .variable("user")),
    ]
}
