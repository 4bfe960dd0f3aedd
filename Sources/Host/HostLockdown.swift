import CSandbox
import Glibc

/// What this process gives up for good, with all threads and processes that it makes: files of the host but those that it is
/// told of and needs itself, other programs, and calls that only the host's owner needs. What its own rules let nobody
/// reach by mistake, the host then does not let it reach either. The corresponding Linux pages are `landlock(7)` and
/// `seccomp(2)`.
public enum HostLockdown {
    /// A file, or a directory and all below it, and what may be done there.
    public struct Place: Sendable {
        public struct Rights: OptionSet, Sendable {
            public let rawValue: UInt32

            public init(rawValue: UInt32) { self.rawValue = rawValue }

            public static let read = Rights(rawValue: UInt32(CSANDBOX_READ))
            public static let write = Rights(rawValue: UInt32(CSANDBOX_WRITE))
            public static let execute = Rights(rawValue: UInt32(CSANDBOX_EXECUTE))
            /// Of devices: calls that are neither reading nor writing.
            public static let control = Rights(rawValue: UInt32(CSANDBOX_CONTROL))
            /// To make sockets.
            public static let socket = Rights(rawValue: UInt32(CSANDBOX_SOCKET))
            /// To remove what is no directory.
            public static let remove = Rights(rawValue: UInt32(CSANDBOX_REMOVE))
        }

        let path: String
        let rights: Rights

        public init(_ path: String, _ rights: Rights) {
            self.path = path
            self.rights = rights
        }
    }

    /// What it needs itself of any host; what is not there is passed over.
    private static let needs: [Place] = [
        // Processes, ours and those of views; descriptors opened anew.
        Place("/proc", .read),
        // What `#c` and the terminals are made of.
        Place("/dev/null", [.read, .write, .control]), Place("/dev/zero", [.read, .write]),
        Place("/dev/full", [.read, .write]), Place("/dev/random", .read), Place("/dev/urandom", .read),
        Place("/dev/tty", [.read, .write, .control]), Place("/dev/ptmx", [.read, .write, .control]),
        Place("/dev/pts", [.read, .write, .control]),
        // Names of users, hosts and services, and what finds them.
        Place("/etc/passwd", .read), Place("/etc/group", .read), Place("/etc/nsswitch.conf", .read),
        Place("/etc/hosts", .read), Place("/etc/host.conf", .read), Place("/etc/resolv.conf", .read),
        Place("/etc/gai.conf", .read), Place("/etc/services", .read), Place("/etc/protocols", .read),
        // Certificates.
        Place("/etc/ssl", .read), Place("/etc/pki", .read), Place("/usr/share/ca-certificates", .read),
        // Libraries that are loaded at their first use, and the editor of lines.
        Place("/etc/ld.so.cache", .read), Place("/lib", .read), Place("/lib64", .read), Place("/usr/lib", .read),
        Place("/usr/lib64", .read), Place("/usr/share/terminfo", .read), Place("/etc/terminfo", .read),
        Place("/etc/inputrc", .read),
    ]

    /// Locks this process down, which must have one thread. With `views`, which take two processes that are forked here, views
    /// can be made afterwards. `abstract` lets it call
    /// abstract sockets of others. Gives what the host has not that holds us, nil for nothing. Throws where the host refuses what
    /// it has.
    public static func enter(_ places: [Place], views: Bool, abstract: Bool) throws(SysError) -> String? {
        // Landlock is one thread's, and those that it makes.
        var threads = stat()
        guard stat("/proc/self/task", &threads) != 0 || threads.st_nlink == 3 else {
            throw SysError("there are threads already", subject: "landlock")
        }
        var base: Int32 = -1
        var launcher: HostLauncher.Prepared?
        if views {
            do throws(SysError) {
                let made = try HostLauncher.Prepared()
                base = made.base.number
                launcher = made
            } catch { HostLauncher.refuse(error) }
        } else {
            HostLauncher.refuse(SysError("programs of the host are off in this emu"))
        }
        let all = needs + places
        var rows = all.map { place in
            csandbox_place(path: UnsafePointer(strdup(place.path)), fd: -1, rights: place.rights.rawValue)
        }
        defer { for row in rows { free(UnsafeMutablePointer(mutating: row.path)) } }
        rows.append(csandbox_place(path: nil, fd: base, rights: UInt32(CSANDBOX_READ | CSANDBOX_WRITE)))
        let version = csandbox_lock_files(rows, rows.count, abstract ? 1 : 0)
        guard version >= 0 else { throw SysError(errno: -version, subject: "landlock") }
        try launcher?.complete()
        let failure = csandbox_lock_calls()
        let hasCalls = ![-ENOSYS, -EINVAL].contains(failure)
        guard failure >= 0 || !hasCalls else { throw SysError(errno: -failure, subject: "seccomp") }
        let lacks = [version > 0 ? nil : "landlock", hasCalls ? nil : "seccomp"].compactMap { $0 }
        return lacks.isEmpty ? nil : lacks.joined(separator: " and ")
    }
}
