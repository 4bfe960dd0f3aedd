import Kernel

/// The line discipline of a terminal: what becomes of each byte that is typed, and of each that a program writes.
///
/// A value without locks or waiting; `Tty` guards one and decides who waits. `output` is what the terminal shows: what
/// was written, and the echo of what is typed. The corresponding Linux page is `termios(3)`.
struct TtyLine: Sendable {
    /// Bytes of one line at most, its end included.
    static let lineLimit = 4096
    /// No more is taken from the keyboard while so many bytes, or lines, wait to be read.
    static let inputLimit = 64 * 1024
    static let inputLines = 1024
    /// No more is taken from programs while so much waits to be shown; echo may pass it by as much again.
    static let outputLimit = 64 * 1024

    private(set) var settings = TerminalSettings()
    /// What was typed and can be read: whole lines, or anything where lines are not edited.
    private(set) var input = ByteQueue()
    private(set) var output = ByteQueue()
    /// Where lines end in `input`; two at one place are an end of file between them.
    private var ends: [UInt64] = []
    /// The line that is being edited.
    private var line = TypedLine()
    /// The column of the screen, as far as one can tell.
    private var column = 0
    /// The next character is taken as it is (^V).
    private var isLiteral = false
    /// Output stands still (^S).
    private(set) var isStopped = false

    private enum Key {
        static let bell: UInt8 = 7
        static let backspace: UInt8 = 8
        static let tab: UInt8 = 9
        static let newline: UInt8 = 10
        static let enter: UInt8 = 13
        static let blank: UInt8 = 32
        static let delete: UInt8 = 127
    }

    /// Changes the settings. What was typed stays: the line that is being edited can be read when editing ends, and what
    /// was typed without it is a line when it begins.
    mutating func set(_ new: TerminalSettings) {
        let wasCanonical = settings.isCanonical
        settings = new
        isLiteral = false
        if !new.input.contains(.ixon) { isStopped = false }
        guard new.isCanonical != wasCanonical else { return }
        if wasCanonical { takeLine() }
        ends = wasCanonical || input.isEmpty ? [] : [input.end]
    }

    mutating func discardInput() {
        input.removeAll()
        ends = []
        line = TypedLine()
        isLiteral = false
    }

    mutating func discardOutput() { output.removeAll() }

    // MARK: the program's side

    /// Whether a read of `count` bytes gives something at once, timing aside.
    func isReadable(_ count: Int = .max) -> Bool {
        if settings.isCanonical { return !ends.isEmpty }
        return input.count >= max(1, min(Int(settings[.min]), count))
    }

    /// A line, or as much of it as fits; 0 at an end of file. Where lines are not edited, what is there.
    mutating func read(into buffer: inout MutableRawSpan) -> Int {
        guard settings.isCanonical, let end = ends.first else { return input.take(into: &buffer) }
        let left = Int(clamping: end - input.taken)
        let n = input.take(into: &buffer, limit: left)
        if n == left { ends.removeFirst() }
        return n
    }

    var hasOutputRoom: Bool { !isStopped && output.count < Self.outputLimit }

    /// Takes from `bytes` what there is room for; how many.
    mutating func write(_ bytes: [UInt8]) -> Int {
        for (n, byte) in bytes.enumerated() {
            guard hasOutputRoom else { return n }
            put(byte)
        }
        return bytes.count
    }

    /// Moves what is to be shown to `buffer`.
    mutating func show(into buffer: inout MutableRawSpan) -> Int { output.take(into: &buffer) }

    /// One byte of output, as the settings say.
    private mutating func put(_ byte: UInt8) {
        guard settings.output.contains(.opost) else {
            output.append(byte)
            return
        }
        var byte = byte
        switch byte {
        case Key.newline:
            if settings.output.contains(.onlcr) { output.append(Key.enter) }
            if !settings.output.isDisjoint(with: [.onlcr, .onlret]) { column = 0 }
        case Key.enter:
            if settings.output.contains(.onocr), column == 0 { return }
            if settings.output.contains(.ocrnl) { byte = Key.newline } else { column = 0 }
        case Key.backspace: column = max(0, column - 1)
        case Key.tab: column += 8 - column % 8
        // Neither control characters nor the later bytes of a character of UTF-8 take room.
        case 0..<Key.blank, Key.delete, 0x80..<0xc0: break
        default: column += 1
        }
        output.append(byte)
    }

    // MARK: the keyboard's side

    var hasInputRoom: Bool { input.count < Self.inputLimit && ends.count < Self.inputLines }

    /// Takes from `bytes`, which are typed, what there is room for, but nothing behind a character that is a note to the
    /// foreground group; how many, and that note.
    ///
    /// Characters that signal, or hold output and let it go, need no room: they reach programs that do not read.
    mutating func type(_ bytes: [UInt8]) -> (count: Int, note: Note?) {
        for (n, typed) in bytes.enumerated() {
            let byte = settings.input.contains(.istrip) ? typed & 0x7f : typed
            if isLiteral {
                guard hasInputRoom else { return (n, nil) }
                isLiteral = false
                accept(byte)
            } else if holds(byte) {
                continue
            } else if let note = signal(byte) {
                hear(byte)
                return (n + 1, note)
            } else {
                guard hasInputRoom else { return (n, nil) }
                enter(byte)
            }
        }
        return (bytes.count, nil)
    }

    /// Stops and starts output; whether that is all that the byte means.
    private mutating func holds(_ byte: UInt8) -> Bool {
        guard settings.input.contains(.ixon) else { return false }
        if settings.isThe(.start, byte) || settings.isThe(.stop, byte) {
            isStopped = !settings.isThe(.start, byte)
            return true
        }
        if settings.input.contains(.ixany) { isStopped = false }
        return false
    }

    private func signal(_ byte: UInt8) -> Note? {
        guard settings.local.contains(.isig) else { return nil }
        if settings.isThe(.intr, byte) { return .interrupt }
        if settings.isThe(.quit, byte) { return .quit }
        if settings.isThe(.susp, byte) { return .suspend }
        return nil
    }

    /// What a signal character does besides.
    private mutating func hear(_ byte: UInt8) {
        if !settings.local.contains(.noflsh) {
            discardInput()
            discardOutput()
        }
        isStopped = false
        echo(byte)
    }

    /// A byte that is input.
    private mutating func enter(_ typed: UInt8) {
        var byte = typed
        if byte == Key.enter {
            if settings.input.contains(.igncr) { return }
            if settings.input.contains(.icrnl) { byte = Key.newline }
        } else if byte == Key.newline, settings.input.contains(.inlcr) {
            byte = Key.enter
        }
        if settings.isCanonical { edit(byte) } else { accept(byte) }
    }

    private mutating func edit(_ byte: UInt8) {
        let isExtended = settings.local.contains(.iexten)
        if byte == Key.newline {
            if !settings.local.isDisjoint(with: [.echo, .echonl]) { show(Key.newline) }
            line.append(byte, settings, at: column)
            endLine()
        } else if settings.isThe(.eof, byte) {
            endLine()
        } else if settings.isThe(.eol, byte) || isExtended && settings.isThe(.eol2, byte) {
            accept(byte)
            endLine()
        } else if isErase(byte) {
            let hadLine = !line.isEmpty
            let gone = line.removeCharacter(utf8: settings.input.contains(.iutf8))
            if hadLine { rubOut(gone, .echoe, byte) }
        } else if settings.isThe(.kill, byte) {
            rubOut(line.removeAll(), .echoke, byte)
            if !settings.local.contains(.echoke), settings.local.isSuperset(of: [.echo, .echok]) { show(Key.newline) }
        } else if isExtended, settings.isThe(.werase, byte) {
            let hadLine = !line.isEmpty
            let gone = line.removeWord()
            if hadLine { rubOut(gone, .echoe, byte) }
        } else if isExtended, settings.isThe(.reprint, byte) {
            reprint(byte)
        } else if isExtended, settings.isThe(.lnext, byte) {
            isLiteral = true
            // The caret stands where the next character will.
            if settings.local.isSuperset(of: [.echo, .echoctl]) { for b in [0x5e, Key.backspace] { show(b) } }
        } else {
            accept(byte)
        }
    }

    /// Terminals disagree about which key erases; where it is one of the two, the other one does, too.
    private func isErase(_ byte: UInt8) -> Bool {
        let either = [Key.backspace, Key.delete]
        return settings.isThe(.erase, byte) || either.contains(byte) && either.contains(settings[.erase])
    }

    /// The line can be read.
    private mutating func endLine() {
        takeLine()
        ends.append(input.end)
    }

    private mutating func takeLine() {
        input.append(line.bytes)
        line = TypedLine()
    }

    /// Adds a byte to the line, or to the input where lines are not edited.
    private mutating func accept(_ byte: UInt8) {
        guard settings.isCanonical else {
            input.append(byte)
            if byte != Key.newline { return echo(byte) }
            if settings.local.contains(.echo) { show(byte) }
            return
        }
        // The last place is for the end of the line.
        guard line.count < Self.lineLimit - 1 else {
            if settings.input.contains(.imaxbel) { show(Key.bell) }
            return
        }
        line.append(byte, settings, at: column)
        echo(byte)
    }

    // MARK: what is seen of it

    /// A byte on the screen that no program wrote; dropped where nobody has looked for long.
    private mutating func show(_ byte: UInt8) {
        if output.count < 2 * Self.outputLimit { put(byte) }
    }

    /// Shows a byte that was typed: control characters as `^` and a letter.
    private mutating func echo(_ byte: UInt8) {
        guard settings.local.contains(.echo) else { return }
        if settings.local.contains(.echoctl), byte < Key.blank && byte != Key.tab || byte == Key.delete {
            show(UInt8(ascii: "^"))
            show(byte ^ 0x40)
        } else {
            show(byte)
        }
    }

    /// Takes columns off the screen where the settings say `way`, else shows the character that took their bytes.
    private mutating func rubOut(_ columns: Int, _ way: TerminalSettings.Local, _ byte: UInt8) {
        guard settings.local.contains(.echo) else { return }
        guard settings.local.contains(way) else { return echo(byte) }
        for _ in 0..<max(0, columns) { for b in [Key.backspace, Key.blank, Key.backspace] { show(b) } }
    }

    private mutating func reprint(_ byte: UInt8) {
        guard settings.local.contains(.echo) else { return }
        echo(byte)
        show(Key.newline)
        let bytes = line.bytes
        line = TypedLine()
        for b in bytes {
            line.append(b, settings, at: column)
            echo(b)
        }
    }
}
