/// A terminal, for those who do more with it than read and write: shells, editors, the Linux personality.
///
/// The device that serves it is the only authority for its settings, session, foreground group and size.
/// The corresponding POSIX page is `termios(3)`.
public protocol Terminal: AnyObject, Sendable {
    /// As it stands in its directory.
    var number: Int { get }
    var settings: TerminalSettings { get }
    /// Changes the settings; `discardInput` drops what was typed and not read.
    func set(_ settings: TerminalSettings, discardInput: Bool)
    var size: Window { get }
    /// A new size is told to the foreground group, as note `window`.
    func resize(_ size: Window)
    /// The process group that reads, and that the signal characters are for; 0 for none.
    var foreground: Int32 { get }
    /// Throws `.noProcess` where `group` has no process and `.perm` where it is not `proc`'s to choose.
    func setForeground(_ group: Int32, by proc: Proc) throws(SysError)
    /// The session whose terminal it is; 0 for none.
    var session: Int32 { get }
    /// Makes it the terminal of the session that `proc` leads. Throws `.perm` where it leads none, or another has it.
    func acquire(by proc: Proc) throws(SysError)
    /// Gives it up: foreground group and leader get note `hangup`. Throws `.notTerminal` where `proc`'s session has it not.
    func release(by proc: Proc) throws(SysError)
    /// Drops what was typed and not read, and what was written and not shown.
    func discard(input: Bool, output: Bool)
    /// Waits until what was written has been taken by whoever shows it.
    func drain(_ how: How) throws(SysError)
    /// Ends it: readers see the end, writers get `.hungup`.
    func hangUp()
}

/// A device whose files are terminals that a session can have.
public protocol TerminalDevice: Dev {
    /// The terminal of that session, not open; nil where it has none here.
    func terminal(of session: Int32) -> Chan?
}

/// What a terminal does with what is typed and what is written. Flags and places of characters have Linux's numbers, so
/// that a Linux program's settings go in and out unchanged; flags that stand here without a name are kept, and mean
/// nothing. The corresponding POSIX page is `termios(3)`.
public struct TerminalSettings: Hashable, Sendable {
    public struct Input: OptionSet, Hashable, Sendable {
        public let rawValue: UInt32
        public init(rawValue: UInt32) { self.rawValue = rawValue }

        public static let istrip = Input(rawValue: 0o40)
        public static let inlcr = Input(rawValue: 0o100)
        public static let igncr = Input(rawValue: 0o200)
        public static let icrnl = Input(rawValue: 0o400)
        public static let ixon = Input(rawValue: 0o2000)
        public static let ixany = Input(rawValue: 0o4000)
        /// A bell where the line is full.
        public static let imaxbel = Input(rawValue: 0o20000)
        /// Erasing takes a character of UTF-8, not a byte.
        public static let iutf8 = Input(rawValue: 0o40000)
    }

    public struct Output: OptionSet, Hashable, Sendable {
        public let rawValue: UInt32
        public init(rawValue: UInt32) { self.rawValue = rawValue }

        public static let opost = Output(rawValue: 0o1)
        public static let onlcr = Output(rawValue: 0o4)
        public static let ocrnl = Output(rawValue: 0o10)
        public static let onocr = Output(rawValue: 0o20)
        public static let onlret = Output(rawValue: 0o40)
    }

    public struct Local: OptionSet, Hashable, Sendable {
        public let rawValue: UInt32
        public init(rawValue: UInt32) { self.rawValue = rawValue }

        public static let isig = Local(rawValue: 0o1)
        public static let icanon = Local(rawValue: 0o2)
        public static let echo = Local(rawValue: 0o10)
        public static let echoe = Local(rawValue: 0o20)
        public static let echok = Local(rawValue: 0o40)
        public static let echonl = Local(rawValue: 0o100)
        public static let noflsh = Local(rawValue: 0o200)
        public static let tostop = Local(rawValue: 0o400)
        public static let echoctl = Local(rawValue: 0o1000)
        public static let echoke = Local(rawValue: 0o4000)
        public static let iexten = Local(rawValue: 0o100000)
    }

    /// Places in `characters`.
    public enum Character: Int, Sendable, CaseIterable {
        case intr, quit, erase, kill, eof, time, min, swtc, start, stop, susp, eol, reprint, discard, werase, lnext,
            eol2
    }

    public var input: Input = [.icrnl, .ixon, .imaxbel, .iutf8]
    public var output: Output = [.opost, .onlcr]
    /// Speed and form of characters on a line; kept for those who ask. 38400 baud, eight bits, reader on.
    public var control: UInt32 = 0o277
    public var local: Local = [.isig, .icanon, .echo, .echoe, .echok, .echoctl, .echoke, .iexten]
    /// 19 of them; 0 turns one off.
    public var characters: [UInt8] = [
        0x03, 0x1c, 0x7f, 0x15, 0x04, 0, 1, 0, 0x11, 0x13, 0x1a, 0, 0x12, 0x0f, 0x17, 0x16, 0, 0, 0,
    ]

    public init() {}

    public subscript(place: Character) -> UInt8 {
        get { place.rawValue < characters.count ? characters[place.rawValue] : 0 }
        set { if place.rawValue < characters.count { characters[place.rawValue] = newValue } }
    }

    /// Whether `byte` is the character of `place`.
    public func isThe(_ place: Character, _ byte: UInt8) -> Bool { byte != 0 && self[place] == byte }

    /// Whether lines are edited before they are read.
    public var isCanonical: Bool { local.contains(.icanon) }

    /// Characters come as they are typed and are not echoed; the signal characters keep their meaning.
    public mutating func setRaw(_ on: Bool) {
        if on {
            local.subtract([.icanon, .echo, .echonl])
            input.subtract([.icrnl, .inlcr, .igncr, .ixon])
            (self[.min], self[.time]) = (1, 0)
        } else {
            local.formUnion([.icanon, .echo])
            input.formUnion([.icrnl, .ixon])
        }
    }
}
