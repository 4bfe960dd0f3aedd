/// A device that keeps what the system has to say to whoever keeps watch; the kernel tells the first that there is.
public protocol LogDevice: Dev {
    func keep(_ line: String)
}

extension System {
    /// Tells of what no caller can be told, such as why a connection was ended. `line` has no newline.
    /// The corresponding file is /dev/kprint.
    public func log(_ line: String) {
        devices.lazy.compactMap { $0 as? any LogDevice }.first?.keep(line)
    }
}
