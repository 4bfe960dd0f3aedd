@preconcurrency import CReadline
import Glibc

/// GNU readline on the host's terminal. It has global state, so there is one: one reader at a time.
///
/// It is driven a character at a time by whoever waits for the terminal, so that the wait can be interrupted.
public final class LineEdit: Sendable {
    public static let shared = LineEdit()

    /// Gives what can stand for the bytes `start..<end` of `line`.
    public typealias Completer = (_ line: String, _ start: Int, _ end: Int) -> [String]

    /// What the callbacks of readline find; set only while a reader holds `busy`.
    private struct Reading {
        var completer: Completer?
        var line: String?
        var isDone = false
    }

    private let busy = Lock(false)
    private nonisolated(unsafe) static var reading = Reading()
    /// How much of the reader's history readline knows.
    private nonisolated(unsafe) static var known: [String] = []

    private init() {}

    /// A line without its newline, nil at the end of the input. `wait` returns when a character can be read, or throws:
    /// then the line is dropped and the terminal is as it was. Throws `.inUse` where another reads.
    public func read(
        prompt: String, history: [String], complete: @escaping Completer, wait: () throws(SysError) -> Void
    ) throws(SysError) -> String? {
        guard
            busy.withLock({ busy in
                defer { busy = true }
                return !busy
            })
        else { throw .inUse }
        defer { busy.withLock { $0 = false } }
        Self.prepare(history)
        Self.reading = Reading(completer: complete)
        defer { Self.reading = Reading() }
        rl_callback_handler_install(prompt) { LineEdit.take($0) }
        do throws(SysError) {
            while !Self.reading.isDone {
                try wait()
                rl_callback_read_char()
            }
        } catch {
            rl_free_line_state()
            rl_callback_sigcleanup()
            rl_callback_handler_remove()
            fputs("\n", stdout)
            fflush(stdout)
            throw error
        }
        return Self.reading.line
    }

    private static func prepare(_ history: [String]) {
        if rl_readline_name == nil || strcmp(rl_readline_name, "emu") != 0 {
            // These live as long as the process: readline keeps the pointers.
            rl_readline_name = UnsafePointer(strdup("emu"))
            rl_catch_signals = 0
            rl_change_environment = 0
            rl_attempted_completion_function = { text, start, end in LineEdit.complete(text, start, end) }
            rl_completer_word_break_characters = UnsafePointer(strdup(" \t\n;|&{}()`<>=^'\""))
            rl_completer_quote_characters = UnsafePointer(strdup("'"))
        }
        if !history.starts(with: known) || history.count < known.count {
            clear_history()
            known = []
        }
        for line in history[known.count...] { add_history(line) }
        known = history
    }

    /// Readline has a whole line, or nil at the end of the input. The line is ours to free.
    private static func take(_ line: UnsafeMutablePointer<CChar>?) {
        rl_callback_handler_remove()
        reading.line = line.map { String(cString: $0) }
        reading.isDone = true
        free(line)
    }

    /// Candidates in readline's form: what they have in common, each of them, nil; all for readline to free.
    private static func complete(
        _ text: UnsafePointer<CChar>?, _ start: Int32, _ end: Int32
    ) -> UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? {
        // Never the host's files.
        rl_attempted_completion_over = 1
        guard let completer = reading.completer, let buffer = rl_line_buffer else { return nil }
        let found = completer(String(cString: buffer), Int(start), Int(end))
        guard let first = found.first else { return nil }
        var common = Array(first.utf8)
        for other in found.dropFirst() {
            var n = 0
            for (a, b) in zip(common, other.utf8) {
                guard a == b else { break }
                n += 1
            }
            common.removeLast(common.count - n)
        }
        // A single directory is gone on with; any other single word is ended.
        rl_completion_append_character = found.count == 1 && first.hasSuffix("/") ? 0 : Int32(UInt8(ascii: " "))
        let list = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>.allocate(capacity: found.count + 2)
        list[0] = strdup(String(decoding: common, as: UTF8.self))
        var n = 1
        if found.count > 1 {
            for word in found {
                list[n] = strdup(word)
                n += 1
            }
        }
        list[n] = nil
        return list
    }
}
