import CShim
import Glibc

/// What this host can do for engines and the sandbox; asked anew each time.
public struct HostFeature: Sendable {
    public let name: String
    public let isThere: Bool
    /// What was found, or what its absence costs.
    public let detail: String

    /// All that `emu --doctor` reports, in its order.
    public static func all() -> [HostFeature] {
        let landlock = cshim_landlock_version()
        let namespaces = cshim_try_user_namespace()
        return [
            HostFeature(
                name: "user name spaces", isThere: namespaces == 0,
                detail: namespaces == 0
                    ? "an ordinary user may make them" : "refused: \(SysError(errno: namespaces).sentence)"),
            HostFeature(
                name: "seccomp", isThere: cshim_has_seccomp_notify() == 1,
                detail: cshim_has_seccomp_notify() == 1 ? "with user notification" : "no user notification"),
            HostFeature(
                name: "fuse", isThere: access("/dev/fuse", R_OK | W_OK) == 0,
                detail: access("/dev/fuse", R_OK | W_OK) == 0 ? "/dev/fuse" : "/dev/fuse cannot be opened"),
            HostFeature(
                name: "landlock", isThere: landlock > 0,
                detail: landlock > 0 ? "version \(landlock)" : "not in this kernel"),
            HostFeature(
                name: "executable memory", isThere: cshim_has_executable_memory() == 1,
                detail: cshim_has_executable_memory() == 1 ? "may be mapped" : "refused"),
            HostFeature(
                name: "libssh", isThere: isLoadable("libssh.so.4"),
                detail: isLoadable("libssh.so.4") ? "libssh.so.4" : "libssh.so.4 is not installed"),
        ]
    }

    private static func isLoadable(_ library: String) -> Bool {
        guard let handle = dlopen(library, RTLD_LAZY | RTLD_LOCAL) else { return false }
        dlclose(handle)
        return true
    }
}
