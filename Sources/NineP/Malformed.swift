/// Bytes that are no message. Which of the two it is decides what a server does.
public enum Malformed: Error, Hashable, Sendable, CustomStringConvertible {
    /// The frame itself cannot be trusted: hang up. `type` is its type byte, 0 where it has none.
    case frame(Fault, type: UInt8)
    /// The frame is whole and what it asks for is not acceptable: answer `tag` with an error and go on.
    case message(Fault, type: UInt8, tag: UInt16)

    public var fault: Fault {
        switch self {
        case .frame(let fault, _), .message(let fault, _, _): fault
        }
    }

    /// As a log has it: `Twalk: string runs past the frame`.
    public var description: String {
        switch self {
        case .frame(let fault, let type), .message(let fault, let type, _):
            type == 0 ? fault.rawValue : "\(MessageType.name(type)): \(fault.rawValue)"
        }
    }

    /// What is wrong, as a sentence.
    public enum Fault: String, Hashable, Sendable, CaseIterable {
        // Of the frame.
        case undersize = "size is less than that of a header"
        case oversize = "size is more than msize"
        case length = "size is not that of the frame"
        case field = "field runs past the frame"
        case string = "string runs past the frame"
        case data = "data runs past the frame"
        case entry = "size of a stat is not that of its fields"
        case trailing = "bytes after the last field"
        // Of a message in a frame that is whole.
        case unknownType = "unknown message type"
        case otherDialect = "message of the other dialect"
        case notRequest = "reply where a request belongs"
        case notReply = "request where a reply belongs"
        case tooManyNames = "more than 16 names in a walk"
        case nul = "NUL in a string"
        case utf8 = "string is not UTF-8"
        case emptyName = "empty name"
        case slash = "slash in a name"
        case dot = "name is . or .."
        // Of a message that was to be sent.
        case tooLong = "message is longer than msize"
    }
}

/// The rules for one element of a path. The corresponding Plan 9 pages are `walk(5)` and `open(5)`.
public enum Element {
    /// What is wrong with `name` as an element to walk to; nil where nothing is.
    public static func fault(_ name: String) -> Malformed.Fault? {
        if name.utf8.isEmpty { return .emptyName }
        for c in name.utf8 {
            if c == 0 { return .nul }
            if c == UInt8(ascii: "/") { return .slash }
        }
        return nil
    }

    /// The same for a name that a file is to be given.
    public static func fault(new name: String) -> Malformed.Fault? {
        name == "." || name == ".." ? .dot : fault(name)
    }
}
