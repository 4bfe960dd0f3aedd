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

    /// Bytes of one value at most, and variables of one group.
    public static let valueLimit = 1 << 20
    public static let countLimit = 1 << 16

    private let state: Lock<[String: Variable]>
    private static let next = Atomic<UInt64>(1)

    public init() { state = Lock([:]) }

    private init(_ variables: [String: Variable]) { state = Lock(variables) }

    func fork() -> Egrp { Egrp(state.withLock { $0 }) }

    /// Names and variables, by name.
    public var all: [(name: String, variable: Variable)] {
        state.withLock { $0.map { ($0.key, $0.value) } }.sorted { $0.name < $1.name }
    }

    public subscript(name: String) -> Variable? { state.withLock { $0[name] } }

    /// The variable with this id, for those who hold its file.
    public func variable(_ id: UInt64) -> (name: String, variable: Variable)? {
        state.withLock { $0.first { $0.value.id == id } }.map { ($0.key, $0.value) }
    }

    /// Sets `name`, making it where it is not there. Throws `.noEnv` past the limits, `.badChar` for a bad name.
    public func set(_ name: String, _ value: [UInt8], _ now: Int64) throws(SysError) {
        guard value.count <= Self.valueLimit else { throw .noEnv }
        guard !name.isEmpty, name != ".", name != "..", !name.utf8.contains(0), !name.utf8.contains(UInt8(ascii: "/"))
        else { throw .badChar }
        try state.withLock { (s) throws(SysError) in
            if var v = s[name] {
                v.version &+= 1
                v.value = value
                v.modified = now
                s[name] = v
            } else {
                guard s.count < Self.countLimit else { throw .noEnv }
                s[name] = Variable(
                    id: Self.next.wrappingAdd(1, ordering: .relaxed).oldValue, version: 0, value: value, modified: now)
            }
        }
    }

    /// Removes `name`; false where it is not there.
    @discardableResult
    public func remove(_ name: String) -> Bool { state.withLock { $0.removeValue(forKey: name) } != nil }
}
