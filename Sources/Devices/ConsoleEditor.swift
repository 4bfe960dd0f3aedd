import Host
import Kernel

/// Line editing on the terminal that emu was started on; the shell asks for it through the system.
public struct ConsoleEditor: LineEditor {
    /// nil where input or output is no terminal.
    public init?() {
        guard HostEnvironment.isTerminal(0), HostEnvironment.isTerminal(1) else { return nil }
    }

    public func readLine(
        prompt: String, history: [String],
        complete: @escaping @Sendable (_ line: String, _ start: Int, _ end: Int) -> [String]
    ) throws(SysError) -> String? {
        try LineEdit.shared.read(prompt: prompt, history: history, complete: complete) { () throws(SysError) in
            _ = try Thread.waitHost(0, .readable)
        }
    }
}
