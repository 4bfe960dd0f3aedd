import Synchronization

/// Environment variables, shared by the processes of a group; `#e` serves them as files.
///
/// A value is bytes; a list, as the shell writes it, has its words quoted. The corresponding Inferno page is `env(3)`.
public final class Egrp: Sendable {
    /// One variable. `id` and `version` make its qid.
    public struct Variable: Sendable {
        public let id: UInt64
        public var version: UInt32
        public var value: [UInt8]
        public var modified: Int64
    }

    /// Bytes of one value at most, of all values of a group, and variables of one group.
    public static let valueLimit = 1 << 20
    public static let totalLimit = 1 << 26
    public static let countLimit = 1 << 16

    fileprivate struct State {
        var variables: [FileName: Variable] = [:]
        /// Bytes of all values.
        var total = 0
    }

    private let state: Lock<State>
    private static let next = Atomic<UInt64>(1)

    fileprivate static func newID() -> UInt64 { next.wrappingAdd(1, ordering: .relaxed).oldValue }

    public init() { state = Lock(State()) }

    private init(_ state: State) { self.state = Lock(state) }

    func fork() -> Egrp { Egrp(state.withLock { $0 }) }

    /// Names and variables, by name.
    public var all: [(name: String, variable: Variable)] {
        state.withLock { s in s.variables.map { ($0.key.text, $0.value) } }.sorted { $0.name < $1.name }
    }

    /// The `limit` oldest variables whose id is greater than `id`, by id.
    public func variables(after id: UInt64, _ limit: Int) -> [(name: String, variable: Variable)] {
        let rest = state.withLock { s in s.variables.filter { $0.value.id > id } }
        return rest.sorted { $0.value.id < $1.value.id }.prefix(limit).map { ($0.key.text, $0.value) }
    }

    public subscript(name: String) -> Variable? { state.withLock { $0.variables[FileName(name)] } }

    /// Sets `name`, making it where it is not there. Throws `.noEnv` past the limits, `.badChar` for a bad name.
    public func set(_ name: String, _ value: [UInt8], _ now: Int64) throws(SysError) {
        try Self.check(name)
        try state.withLock { (s) throws(SysError) in
            var v = if let known = s.variables[FileName(name)] { known } else { try s.make() }
            try s.replace(&v.value, value)
            v.version &+= 1
            v.modified = now
            s.variables[FileName(name)] = v
        }
    }

    /// Makes `name`, empty. Throws `.exist` where it is there, and what `set` throws.
    public func make(_ name: String, _ now: Int64) throws(SysError) -> Variable {
        try Self.check(name)
        return try state.withLock { (s) throws(SysError) in
            guard s.variables[FileName(name)] == nil else { throw .exist }
            var v = try s.make()
            v.modified = now
            s.variables[FileName(name)] = v
            return v
        }
    }

    /// Changes the value of the variable `name` that has this id, alone. Throws `.nonexist` where it has gone, `.noEnv`
    /// past the limits, and what `body` throws; then nothing has changed.
    public func change(
        _ name: String, _ id: UInt64, _ now: Int64, _ body: (inout [UInt8]) throws(SysError) -> Void
    ) throws(SysError) {
        try state.withLock { (s) throws(SysError) in
            guard var v = s.variables[FileName(name)], v.id == id else { throw .nonexist }
            var value = v.value
            try body(&value)
            try s.replace(&v.value, value)
            v.version &+= 1
            v.modified = now
            s.variables[FileName(name)] = v
        }
    }

    /// Removes `name`, where `id` is given only the variable that has it; false where it is not there.
    @discardableResult
    public func remove(_ name: String, id: UInt64? = nil) -> Bool {
        state.withLock { s in
            guard let v = s.variables[FileName(name)], id == nil || v.id == id else { return false }
            s.variables[FileName(name)] = nil
            s.total -= v.value.count
            return true
        }
    }

    private static func check(_ name: String) throws(SysError) {
        guard !name.isEmpty, name != ".", name != "..", !name.utf8.contains(0), !name.utf8.contains(UInt8(ascii: "/"))
        else { throw .badChar }
        guard name.utf8.count <= Namec.nameLimit else { throw .nameTooLong }
    }
}

extension Egrp.State {
    fileprivate func make() throws(SysError) -> Egrp.Variable {
        guard variables.count < Egrp.countLimit else { throw .noEnv }
        return Egrp.Variable(id: Egrp.newID(), version: 0, value: [], modified: 0)
    }

    fileprivate mutating func replace(_ value: inout [UInt8], _ new: [UInt8]) throws(SysError) {
        let after = total - value.count + new.count
        guard new.count <= Egrp.valueLimit, after <= Egrp.totalLimit else { throw .noEnv }
        total = after
        value = new
    }
}
