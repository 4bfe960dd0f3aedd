import CBench
import Kernel

/// One act, done by us and by the host in the same run.
struct Row: Sendable {
    /// What must hold for the row to be as fast as it should be.
    enum Target {
        /// Nanoseconds of one of our acts; bytes where the row is of memory.
        case most(Int64)
        /// Ours over native.
        case ratio(Double)
    }

    enum Unit { case time, memory }

    let name: String
    let target: Target
    let unit: Unit
    /// Acts in a round.
    let count: Int
    /// Does so many acts as process `p`: the nanoseconds they took, set-up left out; of a memory row, bytes.
    let ours: @Sendable (Proc, Int) throws(SysError) -> Int64
    /// The same of the host; the negative of an errno where it refuses.
    let native: @Sendable (Int) -> Int64

    init(
        _ name: String, _ target: Target, unit: Unit = .time, _ count: Int,
        _ ours: @escaping @Sendable (Proc, Int) throws(SysError) -> Int64, native: @escaping @Sendable (Int) -> Int64
    ) {
        (self.name, self.target, self.unit, self.count) = (name, target, unit, count)
        (self.ours, self.native) = (ours, native)
    }

    static let rounds = 5

    /// The row's line of the table: the medians of rounds of ours and of native, which alternate so that both meet the
    /// same machine.
    func measure(_ p: Proc, small: Bool) -> String {
        let count = small ? max(1, count / 10) : count
        var ours: [Double] = []
        var native: [Double] = []
        do throws(SysError) {
            for _ in 0..<Self.rounds {
                ours.append(Double(try self.ours(p, count)) / Double(count))
                let there = self.native(count)
                if there >= 0 { native.append(Double(there) / Double(count)) }
            }
        } catch {
            return Table.line(name, "\(error)")
        }
        let mine = ours.sorted()[Self.rounds / 2]
        guard native.count == Self.rounds else {
            return Table.line(name, Table.show(mine, unit), "refused", "", Table.show(target, unit), verdict(mine, nil))
        }
        let theirs = native.sorted()[Self.rounds / 2]
        let ratio = mine / max(theirs, 1)
        return Table.line(
            name, Table.show(mine, unit), Table.show(theirs, unit), Table.fixed(ratio, 2), Table.show(target, unit),
            verdict(mine, ratio))
    }

    private func verdict(_ mine: Double, _ ratio: Double?) -> String {
        switch target {
        case .most(let limit): mine > Double(limit) ? "missed" : ""
        case .ratio(let limit): ratio.map { $0 > limit ? "missed" : "" } ?? ""
        }
    }
}

/// How the table looks.
enum Table {
    static let head = line("", "ours", "native", "ratio", "target")

    static func line(_ name: String, _ columns: String...) -> String {

        let padded = columns.map { String(repeating: " ", count: max(1, 11 - $0.count)) + $0 }
        return name + String(repeating: " ", count: max(1, 38 - name.count)) + padded.joined()
    }

    static func show(_ target: Row.Target, _ unit: Row.Unit) -> String {
        switch target {
        case .most(let limit): "<= " + show(Double(limit), unit)
        case .ratio(let limit): "<= " + fixed(limit, 1) + "x"
        }
    }

    static func show(_ value: Double, _ unit: Row.Unit) -> String {
        let units: [(size: Double, name: String)] =
            switch unit {
            case .time: [(1, "ns"), (1e3, "us"), (1e6, "ms"), (1e9, "s")]
            case .memory: [(1, "B"), (1e3, "kB"), (1e6, "MB"), (1e9, "GB")]
            }
        let best = units.last { value >= $0.size } ?? units[0]
        let number = value / best.size
        return fixed(number, number < 10 ? 1 : 0) + " " + best.name
    }

    /// `value` with `digits` decimals (0 to 2).
    static func fixed(_ value: Double, _ digits: Int) -> String {
        let power = [1.0, 10, 100][digits]
        let scaled = Int64((value * power).rounded())
        guard digits > 0 else { return String(scaled) }
        let fraction = String(scaled % Int64(power))
        return "\(scaled / Int64(power))." + String(repeating: "0", count: digits - fraction.count) + fraction
    }
}
