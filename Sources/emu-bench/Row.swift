import Kernel

/// One act, done by us and by the host in the same run.
struct Row: Sendable {
    /// What must hold for the row to be as fast as it should be: all that is given.
    struct Target {
        /// Of one of our acts: nanoseconds, or bytes where the row is of memory.
        var most: Double = .infinity
        /// Ours over native, at most; and, where more is better, at least.
        var ratio: Double = .infinity
        var least: Double = 0

        var isRatio: Bool { ratio < .infinity || least > 0 }

        func isMet(_ ours: Double, _ ratio: Double?) -> Bool {
            ours <= most && ratio ?? 0 <= self.ratio && ratio ?? .infinity >= least
        }
    }

    /// What is shown of an act. A rate is acts a second, a flow the bytes that these move.
    enum Unit {
        case time, memory, number, rate
        case flow(Double)

        /// What the table has for an act of so many nanoseconds, or bytes, or whatever is counted.
        func value(_ act: Double) -> Double {
            switch self {
            case .time, .memory, .number: act
            case .rate: 1e9 / max(act, 1)
            case .flow(let bytes): bytes * 1e9 / max(act, 1)
            }
        }
    }

    let name: String
    let target: Target
    let unit: Unit
    /// Acts in a round, of which `--small` does a tenth.
    let count: Int
    /// Does so many acts as process `p`: the nanoseconds they took, set-up left out; of a memory row, bytes.
    let ours: @Sendable (Proc, Int) throws(SysError) -> Int64
    /// The same of the host, where it has the like; the negative of an errno where it refuses.
    let native: (@Sendable (Int) -> Int64)?
    let rounds: Int

    init(
        _ name: String, _ target: Target, unit: Unit = .time, _ count: Int = 1, rounds: Int = 5,
        _ ours: @escaping @Sendable (Proc, Int) throws(SysError) -> Int64,
        native: (@Sendable (Int) -> Int64)? = nil
    ) {
        (self.name, self.target, self.unit, self.count, self.rounds) = (name, target, unit, count, rounds)
        (self.ours, self.native) = (ours, native)
    }

    /// The row's line of the table: the medians of rounds of ours and of native, which alternate so that both meet the
    /// same machine. False where it could not run: we failed, or the host did and the target is a ratio.
    func measure(_ p: Proc, small: Bool) -> (line: String, ran: Bool) {
        let count = small ? max(1, count / 10) : count
        var ours: [Double] = []
        var theirs: [Double] = []
        var refusal: SysError?
        do throws(SysError) {
            for _ in 0..<rounds {
                ours.append(Double(try self.ours(p, count)) / Double(count))
                guard let native else { continue }
                do throws(SysError) { theirs.append(Double(try answered(native(count))) / Double(count)) } catch {
                    refusal = error
                }
            }
            if let refusal, target.isRatio { throw refusal }
        } catch {
            return (Table.line(name, "cannot run: \(error)"), false)
        }
        let mine = unit.value(ours.sorted()[rounds / 2])
        let native = theirs.count < rounds ? nil : unit.value(theirs.sorted()[rounds / 2])
        let ratio = native.map { mine / max($0, 1) }
        return (
            Table.line(
                name, Table.show(mine, unit), native.map { Table.show($0, unit) } ?? (refusal == nil ? "" : "refused"),
                ratio.map { Table.fixed($0, 2) } ?? "", Table.show(target, unit),
                target.isMet(mine, ratio) ? "ok" : "MISS"), true
        )
    }
}

/// How the table looks.
enum Table {
    static let head = line("", "ours", "native", "ratio", "target", "")

    static func line(_ name: String, _ columns: String...) -> String {
        let cells = zip(columns, [9, 9, 7, 15, 6]).map { (cell, width) in
            String(repeating: " ", count: max(1, width - cell.count)) + cell
        }
        return name + String(repeating: " ", count: max(1, 36 - name.count)) + cells.joined()
    }

    static func show(_ target: Row.Target, _ unit: Row.Unit) -> String {
        let most = target.most < .infinity ? [show(target.most, unit)] : []
        let ratio = target.ratio < .infinity ? [fixed(target.ratio, 1) + "x"] : []
        if target.least > 0 { return ">= " + fixed(target.least, 2) + "x" }
        return (most + ratio).isEmpty ? "" : "<= " + (most + ratio).joined(separator: ", ")
    }

    static func show(_ value: Double, _ unit: Row.Unit) -> String {
        let units: [(size: Double, name: String)] =
            switch unit {
            case .time: [(1, "ns"), (1e3, "us"), (1e6, "ms"), (1e9, "s")]
            case .memory: [(1, "B"), (1e3, "kB"), (1e6, "MB"), (1e9, "GB")]
            case .number: [(1, "")]
            case .rate: [(1, "/s"), (1e3, "k/s"), (1e6, "M/s")]
            case .flow: [(1e6, "MB/s"), (1e9, "GB/s")]
            }
        let best = units.last { value >= $0.size } ?? units[0]
        let number = value / best.size
        return fixed(number, value < 1 ? 2 : number < 10 ? 1 : 0) + (best.name.isEmpty ? "" : " ") + best.name
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
