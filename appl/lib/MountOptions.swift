import Kernel

extension Run {
    /// What -a, -b and -c say.
    public func mountFlags() throws(SysError) -> MountFlags {
        guard !has("a") || !has("b") else { throw misuse("-a and -b exclude each other") }
        var flags: MountFlags = has("a") ? .after : has("b") ? .before : .replace
        if has("c") { flags.insert(.create) }
        return flags
    }

    /// What -p says.
    public func mask() throws(SysError) -> Mask? {
        guard let text = options.value("p") else { return nil }
        return try Mask(text)
    }
}
