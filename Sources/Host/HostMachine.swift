import Glibc

/// What the host's machine has.
public enum HostMachine {
    /// Processors that are there to run threads. The corresponding POSIX call is `sysconf(3)`.
    public static let processors = max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
}
