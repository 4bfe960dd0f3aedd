/// Who a process acts as. Immutable: changing identity makes a new one.
public final class Cred: Sendable {
    public let user: String
    public let groups: [String]
    /// Real, effective and saved numbers, as Linux programs see them.
    public let uid: (real: UInt32, effective: UInt32, saved: UInt32)
    public let gid: (real: UInt32, effective: UInt32, saved: UInt32)

    public init(user: String, groups: [String] = [], uid: UInt32, gid: UInt32) {
        self.user = user
        self.groups = groups.isEmpty ? [user] : groups
        self.uid = (uid, uid, uid)
        self.gid = (gid, gid, gid)
    }

    /// Whether `dir`'s owner, group and permission bits give all of `rights`. The only permission check there is:
    /// devices that own their files call it. Nobody is privileged.
    public func may(_ dir: Dir, _ rights: Mask) -> Bool {
        may(owner: dir.owner, group: dir.group, dir.mode, rights)
    }

    /// The same, for a file that has not been made into a Dir.
    public func may(owner: String, group: String, _ mode: FileMode, _ rights: Mask) -> Bool {
        let shift: UInt32 = owner == user ? 6 : groups.contains(group) ? 3 : 0
        return Mask(rawValue: UInt8(truncatingIfNeeded: mode.permissions >> shift)).isSuperset(of: rights)
    }
}

extension Dir {
    /// What a device made at somebody's behest is that one's.
    public mutating func belong(to cred: Cred) {
        (owner, group, modifier) = (cred.user, cred.user, cred.user)
        (ownerID, groupID) = (cred.uid.effective, cred.gid.effective)
    }
}

/// On whose behalf a device is called: identity, time and limits. Devices read no globals.
///
/// Immutable; a Proc whose identity changes gets a new one.
public final class Caller: Sendable {
    public let cred: Cred
    public let clock: Clock
    public let account: Account
    /// What it asks now may be answered as of one moment; nil for who asks one thing at a time.
    public let moment: Moment?
    /// The process that asks; 0 for who asks as none.
    public let pid: Int32

    public init(cred: Cred, clock: Clock, account: Account, moment: Moment? = nil, pid: Int32 = 0) {
        self.cred = cred
        self.clock = clock
        self.account = account
        self.moment = moment
        self.pid = pid
    }

    /// The same view, as process `pid`.
    func asking(as pid: Int32) -> Caller { Caller(cred: cred, clock: clock, account: account, pid: pid) }

    /// The same view, acting as `cred`.
    public func acting(as cred: Cred) -> Caller { Caller(cred: cred, clock: clock, account: account, pid: pid) }
}

/// Time as a view sees it.
public protocol Clock: Sendable {
    /// Nanoseconds since 1970.
    func now() -> Int64
    /// Nanoseconds since some start; never steps.
    func monotonic() -> UInt64
}

/// Whether a call may wait.
public enum How: Sendable {
    /// Wait until it can be done; interruptible.
    case wait
    /// Throw `.wouldBlock` at once, having changed nothing.
    case `try`
}
