import Applib
import Kernel

/// Makes directories.
struct Mkdir: Command {
    static let usage: Usage = """
        mkdir [-pv] [-m mode] directory ...
        -m, --mode mode  permissions, as for chmod
        -p, --parents    those above too; one that is there already is no error
        -v, --verbose    tell of each that was made
        """

    func run(_ r: Run) throws(SysError) {
        let names = try r.operands(1...Int.max)
        let standard = FileMode(rawValue: 0o777 & ~r.p.umask)
        var mode: FileMode?
        if let text = r.options.value("m") {
            let all = FileMode(rawValue: 0o777).union(.directory)
            mode = try ModeChange(text).apply(to: all, isDirectory: true, umask: r.p.umask)
        }
        for name in names {
            try r.going(on: name) { () throws(SysError) in
                if r.has("p") { try makeAbove(name, r) }
                do throws(SysError) { try r.p.mkdir(name) } catch {
                    guard r.has("p"), error.code == .exist, try r.p.stat(name).isDirectory else { throw error }
                    return
                }
                // The mode that was asked for is not cut by the umask.
                if let mode, mode.bits != standard.bits { try r.p.wstat(name, DirChange(mode: mode)) }
                if r.has("v") { try r.out.line("mkdir: created directory '\(name)'") }
            }
        }
    }

    /// Makes what is missing above `name`, from the top down.
    private func makeAbove(_ name: String, _ r: Run) throws(SysError) {
        var above = name.utf8.first == UInt8(ascii: "/") ? "/" : ""
        for part in pathNames(name).dropLast() {
            above += part
            do throws(SysError) {
                if !(try r.p.stat(above).isDirectory) { throw SysError(.notDir, subject: above) }
            } catch {
                guard error.code == .nonexist else { throw error }
                do throws(SysError) {
                    try r.p.mkdir(above)
                    if r.has("v") { try r.out.line("mkdir: created directory '\(above)'") }
                } catch {
                    // Another may have been quicker.
                    guard error.code == .exist else { throw error }
                }
            }
            above += "/"
        }
    }
}
