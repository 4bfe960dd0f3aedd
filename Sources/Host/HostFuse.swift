import CShim
import Glibc

/// A FUSE file system that is mounted nowhere. The corresponding Linux pages are `fuse(4)` and `fsmount(2)`.
public enum HostFuse {
    /// A new connection. Throws `.perm` where the host does not let us.
    public static func open() throws(SysError) -> HostFd {
        HostFd(owning: try HostIO.check(cshim_openat(AT_FDCWD, "/dev/fuse", O_RDWR | O_CLOEXEC, 0), "/dev/fuse"))
    }

    /// Mounts a connection and gives the root's descriptor, below which names can be opened as long as it is kept. Needs the
    /// right to mount, of the host or of the calling process's own user name space.
    public static func mount(_ device: Int32) throws(SysError) -> HostFd {
        HostFd(owning: try HostIO.check(cshim_fuse_mount(device)))
    }

    /// Opens a name in the root.
    public static func open(_ name: String, in root: Int32, _ access: HostFiles.Access) throws(SysError) -> HostFd {
        let flags = HostFiles.flags(access) & ~O_NONBLOCK
        return try HostFiles.open(name, in: root, flags)
    }
}
