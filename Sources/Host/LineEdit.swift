import CShim
@preconcurrency import CReadline
import Glibc
import Synchronization

/// GNU readline on the host's terminal. Its state is global, so there is one, and one reader at a time.
///
/// Readline gets each character through us: before it is read the reader waits with its own `wait`, which a note can
/// interrupt, even where readline asks a question of its own. The statics below belong to the reader that holds `busy`.
public final class LineEdit: Sendable {
    public static let shared = LineEdit()

    /// Gives what can stand for the bytes `start..<end` of `line`.
    public typealias Completer = (_ line: String, _ start: Int, _ end: Int) -> [String]

    /// What the callbacks of readline find.
    private struct Reading {
        let completer: Completer
        let wait: HostWait
        /// Why the wait for a character ended without one.
        var failure: SysError?
    }

    private let busy = Atomic<Bool>(false)
    private nonisolated(unsafe) static var reading: Reading?
    /// How much of the reader's history readline knows.
    private nonisolated(unsafe) static var known: [String] = []

    private let input: any HostFlow
    /// An eventfd, written when the screen is not what readline thinks.
    private let wish: Int32
    /// Readable when a character or a wish is there.
    private let either: Int32

    private init() {
        var wish: Int32 = -1
        let stream = HostStream(inherited: 0)
        let mirrored = HostMirror.of(0).map { HostMirrored(stream, $0) }
        input = mirrored ?? stream
        let either = cshim_either(mirrored?.readable ?? 0, &wish)
        self.wish = wish
        // Without it characters are waited for alone.
        self.either = either < 0 ? 0 : either
        // Readline keeps these as long as the process lives.
        rl_readline_name = UnsafePointer(strdup("emu"))
        rl_completer_word_break_characters = UnsafePointer(strdup(" \t\n;|&{}()`<>=^"))
        rl_completer_quote_characters = UnsafePointer(strdup("'"))
        // Signals and the environment are the system's; what completes comes from its name space.
        rl_catch_signals = 0
        rl_catch_sigwinch = 0
        rl_change_environment = 0
        rl_sort_completion_matches = 0
        // The return key is a newline here (see `prepare`): it runs the line that a search found, and does not only end it.
        rl_variable_bind("isearch-terminators", "\\e")
        rl_prep_term_function = { LineEdit.prepare($0) }
        rl_getc_function = { _ in LineEdit.shared.character() }
        rl_attempted_completion_function = { text, start, end in LineEdit.complete(text, start, end) }
    }

    /// A line without its newline, nil at the end of the input. `wait` returns when the descriptor is ready, or throws: then
    /// the line is dropped, the terminal is as it was, and that is thrown. `.inUse` where another reads now.
    public func read(
        prompt: String, history: [String], complete: @escaping Completer, wait: @escaping HostWait
    ) throws(SysError) -> String? {
        guard !busy.exchange(true, ordering: .acquiring) else { throw .inUse }
        defer { busy.store(false, ordering: .releasing) }
        Self.remember(history)
        Self.reading = Reading(completer: complete, wait: wait)
        defer { Self.reading = nil }
        // The window may have changed while nobody read.
        if hasWish { rl_reset_screen_size() }
        let line = readline(Self.marked(prompt))
        defer { free(line) }
        if let failure = Self.reading?.failure { throw failure }
        return line.map { String(cString: $0) }
    }

    /// The window has another size, or the screen was used by others: shows the line again. For any thread.
    public func redraw() {
        var one: UInt64 = 1
        write(wish, &one, 8)
    }

    /// Whether the line is to be shown again; it is not any more.
    private var hasWish: Bool {
        var count: UInt64 = 0
        return Glibc.read(wish, &count, 8) == 8
    }

    /// For readline: the next character, waited for; the end of the input once the wait has thrown.
    private func character() -> Int32 {
        guard let reading = Self.reading, reading.failure == nil else { return EOF }
        var byte: [UInt8] = [0]
        while true {
            do throws(SysError) {
                try reading.wait(either, .readable)
                if hasWish { rl_resize_terminal() }
                var span = byte.mutableSpan
                var room = span.mutableBytes
                // Another reader of the terminal may have been faster.
                let n = try input.read(into: &room) { (terminal, events) throws(SysError) in
                    if HostPoll.now(terminal, events).isEmpty { throw .wouldBlock }
                }
                return n == 1 ? Int32(byte[0]) : EOF
            } catch {
                if error.code == .wouldBlock { continue }
                Self.reading?.failure = error
                return EOF
            }
        }
    }

    /// For readline: sets the terminal's modes. The return key stays a newline, so that what is typed ahead means the same
    /// whoever reads it, readline or a program in the terminal's own mode.
    private static func prepare(_ meta: Int32) {
        rl_prep_terminal(meta)
        var modes = termios()
        guard tcgetattr(0, &modes) == 0 else { return }
        modes.c_iflag |= tcflag_t(ICRNL)
        tcsetattr(0, TCSANOW, &modes)
    }

    private static func remember(_ history: [String]) {
        if !history.starts(with: known) {
            clear_history()
            known = []
        }
        for line in history[known.count...] { add_history(line) }
        known = history
    }

    /// The prompt with its escape sequences (`ESC [ ... letter`) marked as what takes no room on the screen.
    private static func marked(_ prompt: String) -> String {
        var text = ""
        var rest = prompt.unicodeScalars[...]
        while let c = rest.popFirst() {
            guard c == "\u{1B}", rest.first == "[", let end = rest.firstIndex(where: \.properties.isAlphabetic) else {
                text.unicodeScalars.append(c)
                continue
            }
            text += "\u{1}\u{1B}" + String(rest[...end]) + "\u{2}"
            rest = rest[rest.index(after: end)...]
        }
        return text
    }

    /// Candidates in readline's form: what they have in common, each of them, nil; all for readline to free.
    private static func complete(
        _ text: UnsafePointer<CChar>?, _ start: Int32, _ end: Int32
    ) -> UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? {
        // Never the host's files.
        rl_attempted_completion_over = 1
        guard let completer = reading?.completer, let buffer = rl_line_buffer else { return nil }
        let found = completer(String(cString: buffer), Int(start), Int(end))
        guard let first = found.first else { return nil }
        // A single directory is gone on with; any other single word is ended.
        let goesOn = first.hasSuffix("/")
        rl_completion_append_character = goesOn ? 0 : Int32(UInt8(ascii: " "))
        rl_completion_suppress_quote = goesOn ? 1 : 0
        let words = found.count == 1 ? found : [commonPrefix(found)] + found
        guard let space = malloc((words.count + 1) * MemoryLayout<UnsafeMutablePointer<CChar>?>.stride) else {
            return nil
        }
        let list = space.bindMemory(to: UnsafeMutablePointer<CChar>?.self, capacity: words.count + 1)
        for (n, word) in words.enumerated() { list[n] = strdup(word) }
        list[words.count] = nil
        return list
    }

    /// What all words begin with, in whole characters of Unicode.
    private static func commonPrefix(_ words: [String]) -> String {
        var common = words[0].unicodeScalars[...]
        for word in words {
            let same = zip(common, word.unicodeScalars).prefix { $0 == $1 }.count
            common = common.prefix(same)
        }
        return String(common)
    }
}
