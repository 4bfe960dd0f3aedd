import Applib
import Codec
import Kernel

/// Edits a stream of lines by a script.
struct Sed: Command {
    static let usage: Usage = """
        sed [-Einrsuz] [-I suffix] [-l n] [-e script]... [-f file]... [script] [file ...]
        -E, --regexp-extended    extended expressions
        -I suffix                as -i, and keep what the file was under its name and the suffix; so do -isuffix and --in-place=suffix
        -e, --expression script  commands; several are taken together
        -f, --file file          commands from a file
        -i[suffix], --in-place[=suffix]  edit each file in its place
        -l, --line-length n      columns of the command l (70); 0 is no limit
        -n, --quiet, --silent    print only what the script prints
        -r                       as -E
        -s, --separate           each file has a first and a last line of its own
        -u, --unbuffered         print each line at once
        -z, --null-data          lines end in a zero byte
        """

    func run(_ r: Run) throws(SysError) {
        var files = r.operands
        // The flags in their order: a text that goes on at the end of one is what the next begins with.
        var texts: [[UInt8]] = []
        for (flag, value) in r.options.all(of: "ef") {
            texts.append(flag == "e" ? Array(value.utf8) : try text(of: value, r))
        }
        if texts.isEmpty {
            guard !files.isEmpty else { throw r.misuse("no script") }
            texts.append(Array(files.removeFirst().utf8))
        }
        let script = Array(texts.joined(separator: [UInt8(ascii: "\n")]))
        var parser = SedParser(script, extended: r.has("E") || r.has("r"), zero: r.has("z"))
        var machine = try SedMachine(r, try parser.parse(), files)
        try machine.run()
    }

    private func text(of file: String, _ r: Run) throws(SysError) -> [UInt8] {
        let fd = file == "-" ? 0 : try r.open(file)
        var text: [UInt8] = []
        var reader = Reader(r, fd)
        try reader.eachBlock { (bytes) throws(SysError) in
            guard text.count < 1 << 24 else { throw SysError("script too large", subject: file) }
            text.append(copying: bytes.bytes)
        }
        if fd != 0 { try r.p.close(fd) }
        if text.last == UInt8(ascii: "\n") { text.removeLast() }
        return text
    }
}
