import Host
import Kernel

/// Line editing on the terminal that emu was started on; the shell asks for it through the system.
///
/// Readers take turns: the terminal shows one line at a time.
public final class ConsoleEditor: LineEditor {
    private let turn = WaitQueue()

    /// nil where input or output is no terminal.
    public init?() {
        guard HostEnvironment.isTerminal(0), HostEnvironment.isTerminal(1) else { return nil }
    }

    public func readLine(
        prompt: String, history: [String],
        complete: @escaping @Sendable (_ line: String, _ start: Int, _ end: Int) -> [String]
    ) throws(SysError) -> String? {
        defer { turn.wakeOne() }
        return try turn.sleep { () throws(SysError) -> String?? in
            do throws(SysError) {
                return .some(
                    try LineEdit.shared.read(
                        prompt: prompt, history: history, complete: complete, wait: Thread.hostWait(.wait)))
            } catch {
                if error.code == .inUse { return nil }
                throw error
            }
        }
    }
}
