import CBench
import Kernel

/// Whole commands, ours run by the binary `emu`, the host's by its shell. The tools read the same text: 100 MB, or 10 MB
/// with `--small`.
func commandRows(_ emu: String) -> [Row] {
    [
        Row("emu -c 'echo hi'", .init(most: 12_000_000), 20) { (_, n) throws(SysError) in
            try answered(cbench_command("\(emu)\n-c\necho hi", n))
        } native: {
            cbench_command("/bin/sh\n-c\necho hi", $0)
        },
        tool("grep abc", emu),
        tool("grep -c e", emu),
        tool("grep -vn a", emu),
        tool("grep -E '(ca|do)[a-f]+ (be|go)'", emu),
        tool("sort", emu),
        tool("wc", emu),
        tool("wc -l", emu),
        tool("sha256sum", emu),
        tool("gzip -c", emu),
        Row("memory at idle", .init(most: 20_000_000), unit: .memory) { (_, _) throws(SysError) in
            try answered(cbench_idle(emu))
        } native: { _ in
            cbench_idle("/bin/sh")
        },
    ]
}

/// The same command line for both, about the text.
private func tool(_ command: String, _ emu: String) -> Row {
    Row(command, .init(ratio: 2)) { (_, n) throws(SysError) in
        try answered(cbench_command("\(emu)\n-c\n\(command) \(CBENCH_TEXT)", n))
    } native: {
        cbench_command("/bin/sh\n-c\nexec \(command) \(CBENCH_TEXT)", $0)
    }
}
