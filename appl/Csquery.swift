import Applib
import Kernel

/// Asks the connection server what addresses stand for.
struct Csquery: Command {
    static let usage: Usage = """
        csquery [-s server] [address ...]
        -s server  the file to ask (/net/cs)
        Without an address, each line of the input is one.
        """

    func run(_ r: Run) throws(SysError) {
        let cs = try r.p.open(r.options.value("s") ?? "/net/cs", .readWrite)
        if !r.operands.isEmpty {
            for address in r.operands { try r.going(on: address) { () throws(SysError) in try ask(address, cs, r) } }
            return
        }
        let prompts = r.p.isTerminal(0)
        var reader = Reader(r, 0)
        while true {
            if prompts {
                try r.out.write("> ")
                try r.out.flush()
            }
            guard let address = try reader.text() else { return }
            if !address.isEmpty { try r.going(on: address) { () throws(SysError) in try ask(address, cs, r) } }
        }
    }

    private func ask(_ address: String, _ cs: Int32, _ r: Run) throws(SysError) {
        try r.p.write(cs, address)
        try r.p.seek(cs, 0)
        while case let line = try r.p.read(cs, 1024), !line.isEmpty {
            try r.out.line(String(decoding: line, as: UTF8.self))
        }
    }
}
