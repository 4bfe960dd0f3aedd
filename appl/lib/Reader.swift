import Kernel

/// Lines or blocks from a descriptor, read 128 KB at a time. Where nothing is there yet, the program's output is flushed
/// before the wait: a person or a pipe sees what was made of the input so far.
public struct Reader {
    /// Longest line, in bytes: what a stream without newlines can make us hold.
    public static let lineLimit = 64 << 20

    private let r: Run
    /// What is read.
    public let fd: Int32
    @usableFromInline var buffer = [UInt8](repeating: 0, count: Writer.blockSize)
    /// What was read and not yet given.
    @usableFromInline var held = 0..<0
    @usableFromInline let separator: UInt8
    @usableFromInline var isEnded = true
    /// The last line given ended in its separator; false for a last one without.
    public var wasEnded: Bool { isEnded }

    /// A line ends in `separator`.
    public init(_ r: Run, _ fd: Int32, separator: UInt8 = UInt8(ascii: "\n")) {
        self.r = r
        self.fd = fd
        self.separator = separator
    }

    /// Reads more behind what is held; false at the end of the file.
    @usableFromInline
    mutating func more() throws(SysError) -> Bool {
        if held.isEmpty { held = 0..<0 }
        if held.upperBound == buffer.count {
            if held.lowerBound > 0 {
                buffer.replaceSubrange(0..<held.count, with: buffer[held])
                held = 0..<held.count
            }
            if held.count > buffer.count / 2 {
                guard buffer.count < Self.lineLimit else { throw SysError("line too long") }
                buffer.append(contentsOf: repeatElement(0, count: buffer.count))
            }
        }
        let room = held.upperBound..<buffer.count
        let n: Int
        do throws(SysError) { n = try r.p.fill(&buffer, room, from: fd, .try) } catch {
            guard error.code == .wouldBlock else { throw error }
            try r.out.flush()
            n = try r.p.fill(&buffer, room, from: fd)
        }
        held = held.lowerBound..<held.upperBound + n
        return n > 0
    }

    /// Gives the next line, without its newline, to `body`; nil at the end.
    @inlinable @inline(__always)
    public mutating func line<T>(_ body: (Span<UInt8>) throws(SysError) -> T) throws(SysError) -> T? {
        var searched = held.lowerBound
        while true {
            if let end = buffer.firstIndex(of: separator, in: searched..<held.upperBound) {
                let line = held.lowerBound..<end
                held = end + 1..<held.upperBound
                isEnded = true
                return try body(buffer.span.extracting(line))
            }
            let behind = held.count
            guard try more() else { break }
            searched = held.lowerBound + behind
        }
        guard !held.isEmpty else { return nil }
        let line = held
        held = line.upperBound..<line.upperBound
        isEnded = false
        return try body(buffer.span.extracting(line))
    }

    /// Gives as many whole lines as are held, at least one, to `body`, each with its newline; nil at the end. A last line
    /// without a newline comes alone.
    @inlinable
    public mutating func lines<T>(_ body: (Span<UInt8>) throws(SysError) -> T) throws(SysError) -> T? {
        var searched = held.lowerBound
        while true {
            var end = held.upperBound
            while end > searched, buffer[end - 1] != separator { end -= 1 }
            if end > searched {
                let lines = held.lowerBound..<end
                held = end..<held.upperBound
                isEnded = true
                return try body(buffer.span.extracting(lines))
            }
            let behind = held.count
            guard try more() else { break }
            searched = held.lowerBound + behind
        }
        guard !held.isEmpty else { return nil }
        let rest = held
        held = rest.upperBound..<rest.upperBound
        isEnded = false
        return try body(buffer.span.extracting(rest))
    }

    /// The next line as text; what is no UTF-8 in it becomes U+FFFD.
    public mutating func text() throws(SysError) -> String? {
        try line { (bytes) throws(SysError) in String(copying: bytes) }
    }

    /// Gives what comes next, at least a byte and at most `limit`, to `body`; nil at the end.
    @inlinable
    public mutating func block<T>(
        _ limit: Int = .max, _ body: (Span<UInt8>) throws(SysError) -> T
    ) throws(SysError) -> T? {
        if held.isEmpty { guard try more() else { return nil } }
        let part = held.prefix(limit)
        held = part.upperBound..<held.upperBound
        return try body(buffer.span.extracting(part))
    }

    /// A copy of what comes next, at most `limit` bytes; nil at the end.
    public mutating func copy(_ limit: Int) throws(SysError) -> [UInt8]? {
        try block(limit) { bytes in
            var copy = [UInt8]()
            copy.append(copying: bytes.bytes)
            return copy
        }
    }

    /// The next `count` bytes, which stay; fewer at the end of the file, nil at once there.
    public mutating func peek(_ count: Int) throws(SysError) -> [UInt8]? {
        while held.count < count { guard try more() else { break } }
        return held.isEmpty ? nil : Array(buffer[held.prefix(count)])
    }

    /// What was read and not given, given.
    public mutating func takeHeld() -> [UInt8] {
        defer { held = 0..<0 }
        return Array(buffer[held])
    }

    /// Gives all that is left to `body`, block by block.
    @inlinable
    public mutating func eachBlock(_ body: (Span<UInt8>) throws(SysError) -> Void) throws(SysError) {
        while try block(.max, body) != nil {}
    }

    /// Gives each line that is left to `body`.
    @inlinable
    public mutating func eachLine(_ body: (Span<UInt8>) throws(SysError) -> Void) throws(SysError) {
        while try line(body) != nil {}
    }

    /// Takes the offset back to behind what was given, less the last `unused` bytes of it, where the file can be sought in: the
    /// next program goes on there.
    public mutating func giveBack(_ unused: Int = 0) throws(SysError) {
        let count = held.count + unused
        guard count > 0 else { return }
        do throws(SysError) { try r.p.seek(fd, -Int64(count), .current) } catch {
            guard error.code == .stream else { throw error }
        }
        held = 0..<0
    }
}
