import Synchronization

/// What a view may hold, and what it holds. Charged at allocation, credited at release; a view's account
/// charges its parent too, so that a view never holds more than those around it.
public final class Account: Sendable {
    /// The things that are counted.
    public enum Item: Int, Sendable, CaseIterable {
        case descriptors, memory, pipes, notes, threads, conversations
    }

    private let parent: Account?
    private let limits: [Int]
    private let used = Lock([Int](repeating: 0, count: Item.allCases.count))

    /// `limits` that are absent are the parent's.
    public init(parent: Account? = nil, limits: [Item: Int] = [:]) {
        self.parent = parent
        self.limits = Item.allCases.map { limits[$0] ?? .max }
    }

    /// Takes `count` of `item`; throws, having taken nothing, where a limit would be passed.
    public func charge(_ item: Item, _ count: Int = 1) throws(SysError) {
        try used.withLock { (used) throws(SysError) in
            let (sum, overflow) = used[item.rawValue].addingReportingOverflow(count)
            guard !overflow, sum <= limits[item.rawValue] else { throw item.exhausted }
            used[item.rawValue] = sum
        }
        do throws(SysError) { try parent?.charge(item, count) } catch {
            used.withLock { $0[item.rawValue] -= count }
            throw error
        }
    }

    /// Takes `count` of `item` whatever the limit is: of what is there already, and could not be refused.
    public func owe(_ item: Item, _ count: Int) {
        used.withLock { $0[item.rawValue] = $0[item.rawValue].addingReportingOverflow(count).partialValue }
        parent?.owe(item, count)
    }

    /// Gives back what `charge` took.
    public func credit(_ item: Item, _ count: Int = 1) {
        used.withLock { $0[item.rawValue] -= count }
        parent?.credit(item, count)
    }

    /// What is held now.
    public func held(_ item: Item) -> Int { used.withLock { $0[item.rawValue] } }
}

extension Account.Item {
    /// What a caller is told at the limit.
    fileprivate var exhausted: SysError {
        switch self {
        case .descriptors: .noFd
        case .memory, .pipes: .noMemory
        case .notes: SysError("too many pending notes")
        case .threads: SysError("too many processes")
        case .conversations: .noDevices
        }
    }
}
