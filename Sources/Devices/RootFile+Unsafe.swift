/// A file or a directory of the tree that is embedded in the program: one entry of `rootTable`.
///
/// Its bytes are literals in the binary, as text or (what is no text) as base64 in pieces; nothing is copied before
/// a read asks for it. The corresponding Inferno page is `root(3)`.
public struct RootFile: Sendable {
    /// The path inside, in its shortest form.
    public let path: String
    /// Permission bits; a directory is 0555.
    public let mode: UInt32
    public let isDirectory: Bool
    /// The file's size in bytes; 0 for a directory.
    public let length: Int

    private let pieces: [StaticString]
    private let encoded: Bool

    init(directory path: String) {
        self.path = path
        mode = 0o555
        isDirectory = true
        length = 0
        pieces = []
        encoded = false
    }

    init(_ path: String, mode: UInt32, length: Int, text pieces: [StaticString]) {
        self.path = path
        self.mode = mode
        isDirectory = false
        self.length = length
        self.pieces = pieces
        encoded = false
    }

    /// Each piece but the last stands for a multiple of three bytes.
    init(_ path: String, mode: UInt32, length: Int, base64 pieces: [StaticString]) {
        self.path = path
        self.mode = mode
        isDirectory = false
        self.length = length
        self.pieces = pieces
        encoded = true
    }

    /// Fills `buf` with the bytes from `offset` on; the count is short at the end of the file only.
    public func read(into buf: inout MutableRawSpan, at offset: UInt64) -> Int {
        guard offset < UInt64(length) else { return 0 }
        var skip = Int(offset)
        var count = 0
        let want = min(buf.byteCount, length - skip)
        for piece in pieces where count < want {
            let text = UnsafeRawBufferPointer(start: piece.utf8Start, count: piece.utf8CodeUnitCount)
            // Padding is at the end of the last piece, which `want` does not reach.
            let size = encoded ? text.count / 4 * 3 : text.count
            if skip >= size {
                skip -= size
                continue
            }
            let end = min(size, skip + want - count)
            for i in skip..<end {
                buf.storeBytes(of: encoded ? Self.decode(text, i) : text[i], toByteOffset: count, as: UInt8.self)
                count += 1
            }
            skip = 0
        }
        return count
    }

    /// All of it as text.
    public var text: String {
        var bytes = [UInt8](repeating: 0, count: length)
        var span = bytes.mutableSpan
        var raw = span.mutableBytes
        _ = read(into: &raw, at: 0)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Byte `i` of what the base64 in `text` stands for; its group of four characters is in bounds.
    private static func decode(_ text: UnsafeRawBufferPointer, _ i: Int) -> UInt8 {
        let at = i / 3 * 4 + i % 3
        let shift = 2 * (i % 3)
        return value(text[at]) << (2 + shift) | value(text[at + 1]) >> (4 - shift)
    }

    /// The six bits of one base64 digit; padding is never asked for.
    private static func value(_ digit: UInt8) -> UInt8 {
        switch digit {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): digit - UInt8(ascii: "A")
        case UInt8(ascii: "a")...UInt8(ascii: "z"): digit - UInt8(ascii: "a") + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0") + 52
        case UInt8(ascii: "+"): 62
        default: 63
        }
    }
}
