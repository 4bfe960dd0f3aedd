import Applib
import Kernel

/// Makes the key by which this system is known to others, or tells it.
struct Keygen: Command {
    static let usage: Usage = """
        keygen [-f] [file]
        -f  make another in place of the one that is there: nobody knows that
        The file is /lib/keys/key where it is not given. Where there is one it is left as it is. Its public key is printed.
        """

    func run(_ r: Run) throws(SysError) {
        let path = try r.operands(0...1).first ?? "\(Proc.keys)/key"
        let key: KeyPair
        if !r.has("f"), let text = try existing(path, r) {
            do throws(SysError) { key = try KeyPair(pem: text) } catch { throw error.about(path) }
        } else {
            key = try KeyPair()
            try write(key, path, r)
        }
        try r.out.line(key.word)
    }

    private func existing(_ path: String, _ r: Run) throws(SysError) -> String? {
        do throws(SysError) { return try r.p.text(of: path) } catch {
            if error.code == .nonexist { return nil }
            throw error
        }
    }

    /// Into a new file, which at no time others may read.
    private func write(_ key: KeyPair, _ path: String, _ r: Run) throws(SysError) {
        do throws(SysError) { try r.p.remove(path) } catch {
            guard error.code == .nonexist else { throw error }
        }
        let mode: OpenMode = [.write, .exclusive]
        let fd = try r.p.create(path, mode, FileMode(rawValue: 0o600))
        do throws(SysError) { try r.p.write(fd, key.pem) } catch { throw error.about(path) }
        try r.p.close(fd)
    }
}
