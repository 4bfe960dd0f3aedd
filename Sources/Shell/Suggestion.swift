import Kernel

/// The nearest name to one that is mistyped.
public enum Suggestion {
    /// Names in /bin. Empty where it cannot be read.
    static func programs(_ p: Proc) -> [String] {
        guard let fd = try? p.open("/bin") else { return [] }
        // A directory has nothing to flush.
        defer { try? p.close(fd) }
        var names: [String] = []
        while names.count < 10_000, let some = try? p.dirread(fd), !some.isEmpty { names += some.map(\.name) }
        return names
    }

    /// The one of `names` at the smallest distance: at most 1, or 2 from seven letters on. In a name of less than three
    /// letters nothing is near.
    public static func nearest(to name: String, among names: [String]) -> String? {
        let wanted = Array(name.utf8.prefix(64))
        guard wanted.count >= 3 else { return nil }
        let limit = wanted.count < 7 ? 1 : 2
        var best: (distance: Int, name: String)?
        for candidate in names where candidate != name && candidate.utf8.count <= wanted.count + limit {
            let distance = distance(wanted, Array(candidate.utf8))
            guard distance <= limit else { continue }
            if best.map({ (distance, candidate) < ($0.distance, $0.name) }) ?? true { best = (distance, candidate) }
        }
        return best?.name
    }

    /// Letters to insert, remove, replace, or exchange with a neighbour, to make one of the other.
    private static func distance(_ a: [UInt8], _ b: [UInt8]) -> Int {
        var twoBack: [Int] = []
        var before = Array(0...b.count)
        for i in a.indices {
            var row = [i + 1]
            for j in b.indices {
                var least = min(before[j] + (a[i] == b[j] ? 0 : 1), before[j + 1] + 1, row[j] + 1)
                if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { least = min(least, twoBack[j - 1] + 1) }
                row.append(least)
            }
            (twoBack, before) = (before, row)
        }
        return before[b.count]
    }
}
