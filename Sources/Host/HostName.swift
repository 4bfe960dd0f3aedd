import Glibc

/// Names of host files: bytes there, text here.
///
/// A name that is UTF-8 is itself. Of one that is not, each byte that belongs to no character stands as the private-use
/// character U+10F780 plus the byte (U+10F800 to U+10F87F); characters of that range themselves are taken
/// apart likewise. So every name can be said, and leads back to its bytes.
public enum HostName {
    private static let base: UInt32 = 0x10F780

    /// What `bytes` is called here.
    public static func text(_ bytes: UnsafeBufferPointer<UInt8>) -> String {
        if !bytes.contains(0xF4), let text = String(validating: bytes, as: UTF8.self) { return text }
        var text = ""
        var i = bytes.startIndex
        while i < bytes.endIndex {
            let n = characterLength(bytes, i)
            if n > 0, let character = String(validating: bytes[i..<i + n], as: UTF8.self),
                let scalar = character.unicodeScalars.first, !stands(scalar.value)
            {
                text += character
                i += n
            } else if let scalar = Unicode.Scalar(base + UInt32(bytes[i])) {
                text.unicodeScalars.append(scalar)
                i += 1
            }
        }
        return text
    }

    /// The same for an array.
    public static func text(_ bytes: [UInt8]) -> String { bytes.withUnsafeBufferPointer { text($0) } }

    /// How long the character at `i` says it is, 0 where that is too long.
    private static func characterLength(_ bytes: UnsafeBufferPointer<UInt8>, _ i: Int) -> Int {
        let n =
            switch bytes[i] {
            case ..<0x80: 1
            case 0xC0..<0xE0: 2
            case 0xE0..<0xF0: 3
            case 0xF0..<0xF8: 4
            default: 0
            }
        return i + n <= bytes.endIndex ? n : 0
    }

    /// Whether a character stands for a byte.
    private static func stands(_ scalar: UInt32) -> Bool { scalar >= base + 0x80 && scalar <= base + 0xFF }

    /// The bytes that `text` stands for.
    public static func bytes(_ text: String) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.utf8.count)
        for scalar in text.unicodeScalars {
            if stands(scalar.value) {
                bytes.append(UInt8(scalar.value - base))
            } else {
                bytes.append(contentsOf: UTF8.encode(scalar) ?? UTF8.EncodedScalar())
            }
        }
        return bytes
    }

    /// Runs `body` on the name as the host takes it. `text` has no NUL.
    @inline(__always)
    static func withBytes<R>(_ text: String, _ body: (UnsafePointer<CChar>) -> R) -> R {
        // The characters that stand for bytes begin with this one.
        if !text.utf8.contains(0xF4) { return text.withCString(body) }
        var bytes = bytes(text)
        bytes.append(0)
        return bytes.withUnsafeBytes { raw in
            // SAFETY: the array ends with NUL, and is not empty.
            body(raw.bindMemory(to: CChar.self).baseAddress!)
        }
    }
}
