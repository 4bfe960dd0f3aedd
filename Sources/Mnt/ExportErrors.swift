import Kernel

/// What only a server of 9P has to say, in words that Linux's client turns into the errno beside them.
extension SysError {
    static let fidUnknown = SysError(.badFd, saying: "fid unknown or out of range")
    static let fidInUse = SysError(.badFd, saying: "fid already in use")
    static let badUseOfFid = SysError(.badFd, saying: "bad use of fid")
    static let fidOpen = SysError(.badFd, saying: "file already open for I/O")
    static let badMode = SysError(.badArg, saying: "illegal mode")
    static let badName = SysError(.badArg, saying: "illegal name")
    static let badOffset = SysError(.badArg, saying: "bad offset in directory read")
    static let badStatBuffer = SysError(.badArg, saying: "bogus wstat buffer")
    static let noConversion = SysError(.perm, saying: "wstat can't convert between files and directories")
    static let exclusive = SysError(.inUse, saying: "exclusive use file already open")
    /// With 9P2000.L an errno has to say so: diod's clients go on after this one.
    static let noAuthentication = SysError(.nonexist, saying: "authentication not required")
    static let noVersion = SysError(.badArg, saying: "Tversion must come first")
    static let msizeTooSmall = SysError(.badArg, saying: "msize is too small")
    static let tagInUse = SysError(.badArg, saying: "tag already in use")

    /// What a request is told that does not say anything acceptable.
    init(_ fault: Malformed.Fault) {
        switch fault {
        case .emptyName, .slash, .dot, .nul, .utf8: self = .badName
        default: self.init(.badArg, saying: fault.rawValue)
        }
    }
}
