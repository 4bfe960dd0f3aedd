import Kernel

/// Prints what is known of a file.
struct Stat: Command {
    static let usage: Usage = """
        stat [-L] [-c format] file ...
        -c format  instead: %a %A permissions, %d device tree, %F kind, %g %G group, %h links, %i qid path, %n name, %N name and
                   what it leads to, %s size, %t device letter, %u %U owner, %v qid version, %x %X %y %Y %z %Z times of
                   access, of modification, of any change
        -L         what a symbolic link leads to
        """

    func run(_ r: Run) throws(SysError) {
        let zone = Zone(of: r.p)
        for path in try r.operands(1...Int.max) {
            try r.going(on: path) { () throws(SysError) in
                let dir = try r.p.stat(path, follow: r.has("L"))
                let leads = dir.qid.isSymlink ? try r.p.readlink(path) : nil
                let sheet = Sheet(path: path, dir: dir, leads: leads, zone: zone)
                if let format = r.options.value("c") { return try r.out.line(sheet.text(format)) }
                for row in sheet.rows { try r.out.line(row) }
            }
        }
    }

    private struct Sheet {
        let path: String
        let dir: Dir
        let leads: String?
        let zone: Zone

        var rows: [String] {
            [
                text("name: %N"), text("size: %s"), text("kind: %F"), text("mode: %a %A"),
                text("owner: %U (%u)"), text("group: %G (%g)"), text("modifier: \(dir.modifier)"), text("links: %h"),
                text("server: #%t, tree %d"), text("qid: %i.%v"), text("access: %x"), text("modify: %y"),
                text("change: %z"),
            ]
        }

        private var kind: String {
            let kinds: [(FileMode, String)] = [
                (.directory, "directory"), (.symlink, "symbolic link"), (.namedPipe, "fifo"), (.socket, "socket"),
                (.device, "device file"),
            ]
            if let kind = kinds.first(where: { dir.mode.contains($0.0) }) { return kind.1 }
            return dir.length == 0 ? "regular empty file" : "regular file"
        }

        private func time(_ nanoseconds: Int64) -> String {
            let seconds = nanoseconds.dividedDown(by: 1_000_000_000)
            return Moment(seconds, in: zone).text(
                "%Y-%m-%d %H:%M:%S.%N %z", nanoseconds: nanoseconds - seconds * 1_000_000_000)
        }

        private func seconds(_ nanoseconds: Int64) -> String { String(nanoseconds.dividedDown(by: 1_000_000_000)) }

        func text(_ format: String) -> String {
            var out = ""
            var rest = format[...]
            while let c = rest.popFirst() {
                guard c == "%", let verb = rest.popFirst() else {
                    out.append(c)
                    continue
                }
                switch verb {
                case "%": out += "%"
                case "a": out += String(dir.mode.permissions, radix: 8)
                case "A":
                    let kinds: [(FileMode, String)] = [
                        (.directory, "d"), (.symlink, "l"), (.namedPipe, "p"), (.socket, "s"),
                    ]
                    out += (kinds.first { dir.mode.contains($0.0) }?.1 ?? "-") + dir.modeText.dropFirst(2)
                case "d": out += String(dir.instance)
                case "F": out += kind
                case "g": out += String(dir.groupID)
                case "G": out += dir.group
                case "h": out += String(dir.links)
                case "i": out += String(dir.qid.path)
                case "n": out += path
                case "N": out += "'\(path)'" + (leads.map { " -> '\($0)'" } ?? "")
                case "s": out += String(dir.length)
                case "t": out += String(dir.type)
                case "u": out += String(dir.ownerID)
                case "U": out += dir.owner
                case "v": out += String(dir.qid.version)
                case "x": out += time(dir.accessed)
                case "X": out += seconds(dir.accessed)
                case "y": out += time(dir.modified)
                case "Y": out += seconds(dir.modified)
                case "z": out += time(dir.changed)
                case "Z": out += seconds(dir.changed)
                default: out += "%\(verb)"
                }
            }
            return out
        }
    }
}
