import NineP

/// The bytes of `hex`, in which anything but digits is space.
func bytes(_ hex: String) -> [UInt8] {
    var out: [UInt8] = []
    var half: UInt8?
    for c in hex {
        guard let digit = c.hexDigitValue else { continue }
        if let high = half {
            out.append(high << 4 | UInt8(digit))
            half = nil
        } else {
            half = UInt8(digit)
        }
    }
    precondition(half == nil, "an odd digit in \(hex)")
    return out
}

/// A frame of `type` and `tag` with `body` behind the header and the right size before it.
func frame(_ type: UInt8, tag: UInt16 = 1, _ body: [UInt8]) -> [UInt8] {
    little(UInt32(7 + body.count)) + [type] + little(tag) + body
}

func little<T: FixedWidthInteger>(_ value: T) -> [UInt8] {
    (0..<MemoryLayout<T>.size).map { UInt8(truncatingIfNeeded: value >> (8 * T($0))) }
}

/// `s[s]`: the length in two bytes, and the bytes.
func string(_ s: String) -> [UInt8] { little(UInt16(s.utf8.count)) + s.utf8 }

func decodeT(_ frame: [UInt8], _ dialect: Dialect = .plan9) throws(Malformed) -> (tag: UInt16, message: Tmessage) {
    try Tmessage.decode(frame.span, dialect)
}

func decodeR(_ frame: [UInt8], _ dialect: Dialect = .plan9) throws(Malformed) -> (tag: UInt16, message: Rmessage) {
    try Rmessage.decode(frame.span, dialect)
}

/// The one frame of a message; its data, if it has any, are `data`.
func encoded(_ message: Tmessage, tag: UInt16 = 1, _ dialect: Dialect = .plan9, data: [UInt8] = []) throws -> [UInt8] {
    var writer = FrameWriter(msize: 1 << 20, dialect)
    if case .write(let fid, let offset, let count) = message {
        writer.appendWrite(tag: tag, fid: fid, offset: offset, most: count) { put(data, &$0) }
    } else {
        try writer.append(message, tag: tag)
    }
    return frames(writer)
}

func encoded(_ message: Rmessage, tag: UInt16 = 1, _ dialect: Dialect = .plan9, data: [UInt8] = []) throws -> [UInt8] {
    var writer = FrameWriter(msize: 1 << 20, dialect)
    switch message {
    case .read(let count): writer.appendRead(tag: tag, most: count) { put(data, &$0) }
    case .readdir(let count): writer.appendReaddir(tag: tag, most: count) { put(data, &$0) }
    default: try writer.append(message, tag: tag)
    }
    return frames(writer)
}

func frames(_ writer: FrameWriter) -> [UInt8] { Array(writer.buffer[..<writer.count]) }

/// Fills as much of `room` as there are bytes.
func put(_ bytes: [UInt8], _ room: inout MutableRawSpan) -> Int {
    let n = min(bytes.count, room.byteCount)
    for i in 0..<n { room.storeBytes(of: bytes[i], toByteOffset: i, as: UInt8.self) }
    return n
}

func fault(_ body: () throws(Malformed) -> Void) -> Malformed? {
    do {
        try body()
        return nil
    } catch { return error }
}
