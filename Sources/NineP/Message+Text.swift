/// How a log shows messages: `Twalk tag 3 fid 1 newfid 2 names usr/glenda`. Numbers are decimal, bits octal; what a peer
/// could play tricks with in a string is escaped. The corresponding Plan 9 page is `fcall(2)`.
extension Tmessage: CustomStringConvertible {
    public var description: String { "\(type)" + fields(of: self) }

    public func text(tag: UInt16) -> String { "\(type) tag \(tag)" + fields(of: self) }
}

extension Rmessage: CustomStringConvertible {
    public var description: String { "\(type)" + fields(of: self) }

    public func text(tag: UInt16) -> String { "\(type) tag \(tag)" + fields(of: self) }
}

extension Qid: CustomStringConvertible {
    /// `(path version type)`, the path in hexadecimal and the type as letters.
    public var description: String { "(\(String(path, radix: 16)) \(version) \(type))" }
}

extension QidType: CustomStringConvertible {
    /// `d`, `a`, `l`, `A`, `t`, `L`: directory, append, exclusive, auth, temporary, symbolic link.
    public var description: String {
        let letters: [(QidType, String)] = [
            (.directory, "d"), (.append, "a"), (.exclusive, "l"), (.auth, "A"), (.temporary, "t"), (.symlink, "L"),
        ]
        return letters.reduce("") { contains($1.0) ? $0 + $1.1 : $0 }
    }
}

/// ` label value` for each field of the payload of `message`, which is an enum.
private func fields(of message: Any) -> String {
    guard let payload = Mirror(reflecting: message).children.first?.value else { return "" }
    let parts = Mirror(reflecting: payload)
    switch parts.displayStyle {
    case .tuple: return parts.children.map { " \($0.label ?? "") \(shown($0.value))" }.joined()
    default: return " " + shown(payload)
    }
}

private func shown(_ value: Any) -> String {
    switch value {
    case let text as String: return text.isEmpty ? "''" : escaped(text)
    case let names as [String]: return names.isEmpty ? "''" : escaped(names.joined(separator: "/"))
    case let qids as [Qid]: return qids.map(\.description).joined(separator: " ")
    case let qid as Qid: return qid.description
    case let type as MessageType: return "\(type)"
    case let mode as FileMode: return "0" + String(mode.rawValue, radix: 8)
    case let flags as OpenFlags: return "0" + String(flags.rawValue, radix: 8)
    case let raw as any RawRepresentable: return "\(raw.rawValue)"
    case let mode as OpenMode: return "\(mode.rawValue)"
    case let time as Timespec:
        let digits = String(time.nsec)
        return "\(time.sec)." + String(repeating: "0", count: max(0, 9 - digits.count)) + digits
    default:
        let parts = Mirror(reflecting: value)
        guard parts.displayStyle == .struct, !(value is any FixedWidthInteger) else { return "\(value)" }
        return parts.children.map { "\($0.label ?? "") \(shown($0.value))" }.joined(separator: " ")
    }
}

/// `text` with control characters and the like as `\u{...}`: one line stays one line.
private func escaped(_ text: String) -> String {
    text.unicodeScalars.reduce(into: "") { out, c in
        switch c.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned:
            out += c.escaped(asASCII: true)
        default: out.unicodeScalars.append(c)
        }
    }
}
