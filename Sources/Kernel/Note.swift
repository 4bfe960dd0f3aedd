/// A message to a process: Plan 9's note and Linux's signal in one. The corresponding Plan 9 page is `notify(2)`.
public struct Note: Hashable, Sendable {
    /// What Swift programs and the shell see: `interrupt`, `hangup`, `alarm`, or any text.
    public var text: String
    /// What Linux programs see; 0 for a text that no signal stands for.
    public var signal: Int32
    /// siginfo's code and value, for real-time signals.
    public var code: Int32
    public var value: UInt64
    /// Pid of the sender; 0 for the system.
    public var sender: Int32

    public init(_ text: String, signal: Int32? = nil, code: Int32 = 0, value: UInt64 = 0, sender: Int32 = 0) {
        self.text = text
        self.signal = signal ?? Self.signals[text] ?? 0
        self.code = code
        self.value = value
        self.sender = sender
    }

    /// The note that a signal stands for; nil where it has no name here.
    public init?(signal: Int32) {
        guard let (text, _) = Self.signals.first(where: { $0.value == signal }) else { return nil }
        self.init(text, signal: signal)
    }

    public static let interrupt = Note("interrupt")
    public static let hangup = Note("hangup")
    public static let quit = Note("quit")
    public static let suspend = Note("suspend")
    public static let ttyin = Note("ttyin")
    public static let ttyout = Note("ttyout")
    public static let window = Note("window")

    /// Whether a program that says nothing about notes goes on: the news that a window or a child changed, or that it
    /// goes on, ends nobody.
    var isNews: Bool { signal == 17 || signal == 28 || continues }

    /// Whether a program that does not deal with it stops: what a terminal says to those in the background, and ^Z.
    public var stops: Bool { (20...22).contains(signal) }

    /// Whether it lets a stopped process go on, whatever its program does about notes.
    var continues: Bool { signal == 18 }

    /// Standard signals coalesce: a second one that pends is not queued. Texts and real-time signals queue.
    var coalesces: Bool { (1..<32).contains(signal) }

    private static let signals: [String: Int32] = [
        "hangup": 1, "interrupt": 2, "quit": 3, "abort": 6, "kill": 9, "usr1": 10, "usr2": 12, "closed pipe": 13,
        "alarm": 14, "term": 15, "child": 17, "continue": 18, "suspend": 20, "ttyin": 21, "ttyout": 22, "window": 28,
    ]
}

/// What a Swift program does about notes. The default ends the program with the note's text as its status; `window`,
/// `child` and `continue` are passed over, and `suspend`, `ttyin` and `ttyout` stop it.
public enum NoteAction: Sendable {
    case end
    case ignore
    /// True: dealt with, the call that was interrupted throws `.interrupted`. False: as `.end`.
    case handle(@Sendable (Note) -> Bool)
}
