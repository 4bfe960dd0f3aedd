import Applib
import Kernel

/// What `find -printf` prints: text, and what stands behind a `%`.
struct FindFormat {
    private enum Piece {
        case text(String)
        /// A letter, and for the times what is shown of them.
        case field(Conversion, Character, time: Character?)
    }

    private var pieces: [Piece] = []
    private let zone: Zone

    init(_ format: String, _ zone: Zone) throws(SysError) {
        self.zone = zone
        var text: [UInt8] = []
        var rest = format[...]
        while let c = rest.popFirst() {
            if c == "\\" {
                // All that is left is left out.
                if rest.first == "c" { break }
                text += Escape.take(&rest) ?? [UInt8(ascii: "\\")]
            } else if c != "%" {
                text += String(c).utf8
            } else if rest.first == "%" {
                text.append(UInt8(ascii: "%"))
                rest.removeFirst()
            } else {
                pieces.append(.text(String(decoding: text, as: UTF8.self)))
                text = []
                let conversion = try Conversion(&rest)
                guard let letter = rest.popFirst(), "pPHfhskbmMyYuUgGnildDtTaAcC".contains(letter) else {
                    throw SysError("-printf '\(format)': no such conversion")
                }
                let isPart = "TAC".contains(letter)
                let time = isPart ? rest.popFirst() : nil
                guard !isPart || time != nil else { throw SysError("-printf: %\(letter) takes a letter") }
                pieces.append(.field(conversion, letter, time: time))
            }
        }
        pieces.append(.text(String(decoding: text, as: UTF8.self)))
    }

    func text(of f: FindFile, _ p: Proc) throws(SysError) -> String {
        var out = ""
        for piece in pieces {
            switch piece {
            case .text(let text): out += text
            case .field(let conversion, let letter, let time):
                let value = try field(letter, time, f, p)
                out += "dm".contains(letter) ? conversion.integer("", value) : conversion.text(value)
            }
        }
        return out
    }

    private func field(_ letter: Character, _ time: Character?, _ f: FindFile, _ p: Proc) throws(SysError) -> String {
        let dir = f.dir
        switch letter {
        case "p": return f.path
        case "P": return String(Substring(f.path.utf8.dropFirst(f.root.utf8.count).drop { $0 == UInt8(ascii: "/") }))
        case "H": return f.root
        case "f": return lastName(f.path)
        case "h": return parentName(f.path)
        case "s": return String(dir.length)
        case "k": return String((dir.space ?? dir.length).blocks(of: 1024))
        case "b": return String((dir.space ?? dir.length).blocks(of: 512))
        case "m": return String(dir.mode.bits, radix: 8)
        case "M": return dir.posixMode
        case "y": return String(dir.kindLetter)
        case "Y":
            guard dir.qid.isSymlink else { return String(dir.kindLetter) }
            return (try? p.stat(f.path)).map { String($0.kindLetter) } ?? "N"  // it leads nowhere
        case "u": return dir.owner
        case "U": return String(dir.ownerID)
        case "g": return dir.group
        case "G": return String(dir.groupID)
        case "n": return String(dir.links)
        case "i": return String(dir.qid.path)
        case "l": return dir.qid.isSymlink ? try p.readlink(f.path) : ""
        case "d": return String(f.depth)
        case "D": return String(dir.instance)
        case "t", "T": return moment(dir.modified, time)
        case "a", "A": return moment(dir.accessed, time)
        default: return moment(dir.changed, time)
        }
    }

    /// All of a time, or what a letter of `date(1)` shows of it. Seconds have ten digits behind the point, the last 0.
    private func moment(_ nanoseconds: Int64, _ letter: Character?) -> String {
        let (seconds, rest) = nanoseconds.wholeSeconds()
        let fraction = "." + String(rest).zeros(9) + "0"
        let moment = Moment(seconds, in: zone)
        func text(_ format: String) -> String { moment.text(format, nanoseconds: rest, seconds: seconds) }
        return switch letter {
        case nil: text("%a %b %e %H:%M:%S") + fraction + text(" %Y")
        case "@": String(seconds) + fraction
        case "+": text("%Y-%m-%d+%H:%M:%S") + fraction
        case "S", "T", "X": text("%\(letter ?? "S")") + fraction
        case "c": text("%a %b %e %H:%M:%S") + fraction + text(" %Y")
        case let letter?: text("%\(letter)")
        }
    }
}
