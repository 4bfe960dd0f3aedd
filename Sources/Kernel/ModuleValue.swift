/// An open file in a builtin module's interface, Limbo's `ref FD`: a descriptor number of the calling process.
public struct FD: Sendable, Hashable {
    public let number: Int32

    public init(_ number: Int32) { self.number = number }
}

/// A value that crosses the interface of a builtin module. Lists and arrays are alike here, except that an array of
/// byte is packed; an adt is the tuple of its fields.
public enum Value: Sendable, Equatable {
    /// What a function without a result gives.
    case void
    case byte(UInt8)
    case int(Int32)
    case big(Int64)
    case real(Double)
    case string(String)
    case bytes([UInt8])
    case fd(FD)
    case list([Value])
    case tuple([Value])
}

/// What the generated code takes arguments out of Values with. A caller who does not keep to the declared types gets
/// an error, never a trap.
extension Value {
    /// The call has an index that the interface does not have.
    public static var noFunction: SysError { SysError("no such function in the module") }

    private func mismatch(_ type: String) -> SysError { SysError("type check: the value is no \(type)") }

    public func byte() throws(SysError) -> UInt8 {
        guard case .byte(let value) = self else { throw mismatch("byte") }
        return value
    }

    public func int() throws(SysError) -> Int32 {
        guard case .int(let value) = self else { throw mismatch("int") }
        return value
    }

    public func big() throws(SysError) -> Int64 {
        guard case .big(let value) = self else { throw mismatch("big") }
        return value
    }

    public func real() throws(SysError) -> Double {
        guard case .real(let value) = self else { throw mismatch("real") }
        return value
    }

    public func string() throws(SysError) -> String {
        guard case .string(let value) = self else { throw mismatch("string") }
        return value
    }

    public func bytes() throws(SysError) -> [UInt8] {
        guard case .bytes(let value) = self else { throw mismatch("array of byte") }
        return value
    }

    public func fd() throws(SysError) -> FD {
        guard case .fd(let value) = self else { throw mismatch("ref FD") }
        return value
    }

    /// The elements, each taken out by `element`.
    public func list<T>(_ element: (Value) throws(SysError) -> T) throws(SysError) -> [T] {
        guard case .list(let values) = self else { throw mismatch("list") }
        var out: [T] = []
        out.reserveCapacity(values.count)
        for value in values { out.append(try element(value)) }
        return out
    }

    /// The parts of a tuple, which are `count`.
    public func tuple(_ count: Int) throws(SysError) -> [Value] {
        guard case .tuple(let parts) = self, parts.count == count else { throw mismatch("tuple of \(count)") }
        return parts
    }

    /// The parts of a tuple, taken out together by `body`.
    public func tuple<T>(_ count: Int, _ body: ([Value]) throws(SysError) -> T) throws(SysError) -> T {
        try body(try tuple(count))
    }
}
