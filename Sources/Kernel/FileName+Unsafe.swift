/// A file's name as a directory knows it: names are the same when their bytes are.
///
/// Swift's strings are equal when they look the same, however they are spelled; two files may differ in just that.
public struct FileName: Hashable, Sendable {
    public let text: String

    public init(_ text: String) { self.text = text }

    public static func == (a: FileName, b: FileName) -> Bool {
        let (x, y) = (a.text.utf8.span, b.text.utf8.span)
        guard x.count == y.count else { return false }
        var i = 0
        while i < x.count, x[i] == y[i] { i += 1 }
        return i == x.count
    }

    public func hash(into hasher: inout Hasher) {
        // SAFETY: the hasher reads the bytes before the closure returns.
        let done: Void? = text.utf8.withContiguousStorageIfAvailable {
            hasher.combine(bytes: UnsafeRawBufferPointer($0))
        }
        if done == nil { for byte in text.utf8 { hasher.combine(byte) } }
    }
}
