import Kernel

/// Reads descriptor 0 line by line for a loop. What has been read too far is given back when the loop ends early, where
/// the file has an offset; else it is lost.
struct LineReader {
    private let shell: Shell
    private let ends: [UInt8]
    private let wide: [Unicode.Scalar]
    private var buffer: [UInt8] = []
    private var at = 0
    private var atEnd = false

    /// A line ends at any character of `separators`.
    init(_ shell: Shell, _ separators: String) {
        self.shell = shell
        ends = Array(separators.utf8)
        wide = separators.utf8.allSatisfy { $0 < 0x80 } ? [] : Array(separators.unicodeScalars)
    }

    /// The next line without its end, nil after the last.
    mutating func next() throws(Failure) -> String? {
        try shell.check()
        var searched = at
        while true {
            if let (end, length) = find(from: searched) {
                defer { at = end + length }
                return String(decoding: buffer[at..<end], as: UTF8.self)
            }
            // A separator of several bytes may be cut by the end of what was read.
            searched = max(at, buffer.count - 3)
            if atEnd {
                guard at < buffer.count else { return nil }
                defer { at = buffer.count }
                return String(decoding: buffer[at...], as: UTF8.self)
            }
            guard buffer.count - at <= Limit.string else { throw shell.raise("string too long", "line too long") }
            if at > 0 {
                searched -= at
                buffer.removeFirst(at)
                at = 0
            }
            let more = try shell.system { () throws(SysError) in try shell.p.read(0) }
            atEnd = more.isEmpty
            buffer += more
        }
    }

    private func find(from start: Int) -> (Int, Int)? {
        if wide.isEmpty {
            guard ends.count == 1, let end = ends.first else {
                return buffer[start...].firstIndex { ends.contains($0) }.map { ($0, 1) }
            }
            return buffer[start...].firstIndex(of: end).map { ($0, 1) }
        }
        return wide.compactMap { mark -> (Int, Int)? in
            let bytes = Array(String(mark).utf8)
            guard buffer.count - start >= bytes.count else { return nil }
            let last = buffer.count - bytes.count
            return (start...last).first { buffer[$0..<($0 + bytes.count)].elementsEqual(bytes) }.map {
                ($0, bytes.count)
            }
        }.min { $0.0 < $1.0 }
    }

    /// Puts the offset back to the first byte that was not used.
    mutating func giveBack() {
        guard at < buffer.count else { return }
        // A stream cannot be put back.
        _ = try? shell.p.seek(0, Int64(at - buffer.count), .current)
        buffer = []
        at = 0
    }
}
