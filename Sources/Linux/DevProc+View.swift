import Kernel

/// The processes as one of them sees them.
struct ProcessView {
    let system: System
    /// Whose numbers count; nil for ours.
    private let group: AnyObject?

    init(_ system: System, asker: Int32) {
        self.system = system
        group = (system.proc(asker)?.runner as? any Numbered)?.group
    }

    /// By what number `proc` is seen; nil where it is not.
    func number(_ proc: Proc) -> Int32? {
        guard let group else { return proc.pid }
        guard let known = proc.runner as? any Numbered, known.group === group else { return nil }
        return known.number
    }

    func proc(_ number: Int32) -> Proc? {
        guard group != nil else { return system.proc(number) }
        return system.processes.first { self.number($0) == number }
    }

    /// All that are seen, by number.
    var all: [(number: Int32, proc: Proc)] {
        let rows = system.processes.compactMap { proc in number(proc).map { ($0, proc) } }
        return group == nil ? rows : rows.sorted { $0.0 < $1.0 }
    }

    /// The number of the process that ours `pid` is, 0 where it is not seen.
    func number(of pid: Int32) -> Int32 {
        guard group != nil else { return pid }
        return system.proc(pid).flatMap { number($0) } ?? 0
    }
}
