/// What went wrong in this floor, as a sentence in the system's manner: `zlib: data ends too early`.
public struct CodecError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Lower case, no full stop; names what was being done.
    public let description: String

    public init(_ sentence: String) {
        description = sentence
    }
}
