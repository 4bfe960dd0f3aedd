import NineP

/// What must hold for any bytes: the first says which dialect and how the rest, a stream of frames, is cut into reads.
///
/// The frames are the same however the stream is cut. Each is read as a request, as a reply and as entries of a directory:
/// it is refused, or what it says can be shown in one line and writes to the same bytes.
public func checkNineP(_ bytes: [UInt8]) {
    guard let first = bytes.first else { return }
    let dialect: Dialect = first & 1 == 0 ? .plan9 : .linux
    let stream = Array(bytes.dropFirst())
    let (frames, fault) = cut(stream, into: Int(first >> 1) + 1)
    let (same, sameFault) = cut(stream, into: stream.count)
    precondition(frames == same && fault == sameFault, "cut otherwise")
    for frame in frames { check(frame, dialect) }
    checkEntries(stream)
}

/// The frames of `stream`, which comes in pieces of `size` bytes, up to one that cannot be.
private func cut(_ stream: [UInt8], into size: Int) -> (frames: [[UInt8]], fault: Malformed.Fault?) {
    var reader = FrameReader(msize: 1024)
    var frames: [[UInt8]] = []
    var at = 0
    do throws(Malformed) {
        while at < stream.count {
            at += reader.fill { room in
                let n = min(size, room.byteCount, stream.count - at)
                for i in 0..<n { room.storeBytes(of: stream[at + i], toByteOffset: i, as: UInt8.self) }
                return n
            }
            while let place = try reader.next() { frames.append(Array(reader.buffer[place])) }
        }
        let whole = frames.reduce(0) { $0 + $1.count }
        precondition(whole + reader.pending == stream.count, "bytes lost")
        return (frames, nil)
    } catch { return (frames, error.fault) }
}

private func check(_ frame: [UInt8], _ dialect: Dialect) {
    do throws(Malformed) {
        let (tag, message) = try Tmessage.decode(frame.span, dialect)
        checkLine(message.text(tag: tag))
        var writer = FrameWriter(msize: frame.count, dialect, capacity: 0)
        if case .write(let fid, let offset, let count) = message {
            writer.msize += Wire.ioHeader - Wire.writeHeader
            writer.appendWrite(tag: tag, fid: fid, offset: offset, most: count) {
                copy(frame, from: Wire.writeHeader, into: &$0)
            }
        } else {
            try writer.append(message, tag: tag)
        }
        precondition(Array(writer.buffer[..<writer.count]) == frame, "\(message) writes to other bytes")
    } catch { check(error, frame) }
    do throws(Malformed) {
        let (tag, message) = try Rmessage.decode(frame.span, dialect)
        checkLine(message.text(tag: tag))
        var writer = FrameWriter(msize: frame.count, dialect, capacity: 0)
        switch message {
        case .error(let ename):
            // It is repaired or cut; what was written once is what is written again.
            writer.msize = Wire.leastMsize
            writer.appendError(ename, tag: tag)
            let (_, again) = try Rmessage.decode(writer.buffer.span.extracting(0..<writer.count), dialect)
            guard case .error(let cut) = again, ename.hasPrefix(cut) || ename.utf8.starts(with: cut.utf8) else {
                preconditionFailure("\(message) is cut to \(again)")
            }
            return
        case .lerror where frame[4] == MessageType.Rerror.rawValue:
            // An errno is understood in an Rerror, and not written so.
            try writer.append(message, tag: tag)
            precondition(writer.buffer[7..<writer.count] == frame[7...], "another errno")
            return
        case .read(let count):
            writer.appendRead(tag: tag, most: count) { copy(frame, from: Wire.readHeader, into: &$0) }
        case .readdir(let count):
            writer.msize += Wire.ioHeader - Wire.readHeader
            writer.appendReaddir(tag: tag, most: count) { copy(frame, from: Wire.readHeader, into: &$0) }
        default: try writer.append(message, tag: tag)
        }
        precondition(Array(writer.buffer[..<writer.count]) == frame, "\(message) writes to other bytes")
    } catch { check(error, frame) }
}

/// An error of a frame that could be cut out of a stream names that frame.
private func check(_ error: Malformed, _ frame: [UInt8]) {
    switch error {
    case .frame(let fault, let type):
        precondition(type == frame[4] && fault != .length && fault != .undersize, error.description)
    case .message(let fault, let type, let tag):
        precondition(type == frame[4] && tag == UInt16(frame[5]) | UInt16(frame[6]) << 8, error.description)
        precondition(fault != .tooLong, "what was read cannot be written")
    }
}

private func checkLine(_ line: String) {
    precondition(line.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7f }, line)
}

private func checkEntries(_ data: [UInt8]) {
    var at = 0
    while true {
        let start = at
        do throws(Malformed) {
            guard let stat = try Stat.next(in: data.span, at: &at) else { break }
            precondition(Element.fault(stat.name) == nil && Stat(Dir(stat)).name == stat.name)
            precondition(packed(at - start, stat.pack) == Array(data[start..<at]), "an entry writes to other bytes")
        } catch { if case .frame = error { break } }
        precondition(at > start, "an entry of no length")
    }
    at = 0
    while true {
        let start = at
        do throws(Malformed) {
            guard let entry = try Dirent.next(in: data.span, at: &at) else { break }
            precondition(packed(at - start, entry.pack) == Array(data[start..<at]), "an entry writes to other bytes")
        } catch { if case .frame = error { break } }
        precondition(at > start, "an entry of no length")
    }
}

/// What `pack` writes into `size` bytes, and into no fewer.
private func packed(_ size: Int, _ pack: (inout MutableRawSpan, inout Int) -> Bool) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: size)
    var at = 0
    var span = bytes.mutableSpan
    do {
        var less = span._mutatingExtracting(0..<size - 1)
        var out = less.mutableBytes
        precondition(!pack(&out, &at) && at == 0, "an entry in too little room")
    }
    var out = span.mutableBytes
    precondition(pack(&out, &at) && at == size, "an entry does not fit where it was")
    return bytes
}

private func copy(_ frame: [UInt8], from start: Int, into room: inout MutableRawSpan) -> Int {
    let n = min(room.byteCount, frame.count - start)
    for i in 0..<n { room.storeBytes(of: frame[start + i], toByteOffset: i, as: UInt8.self) }
    return n
}
