import Applib
import Kernel

/// A run of lines that one file has and the other has not: `a` lines of the first are replaced by `b` of the second.
struct Change: Hashable {
    var a: Range<Int>
    var b: Range<Int>
}

/// The shortest way from one sequence to another, by Myers' algorithm in linear space.
///
/// Lines are compared as numbers: equal lines have equal numbers. Where the files differ so much that the shortest way
/// costs too much to find, a box of them is replaced as a whole: right, but longer.
struct DiffScript {
    private let a: [Int32]
    private let b: [Int32]
    private var removed: [Bool]
    private var added: [Bool]
    /// Furthest places on each diagonal, from both ends.
    private var forward: [Int]
    private var backward: [Int]

    /// Steps from one end that a box may cost before it is replaced whole.
    private let costLimit: Int

    /// The changes, in order; `isShortest`: as few lines as can be, whatever it costs.
    static func changes(_ a: [Int32], _ b: [Int32], isShortest: Bool = false) throws(SysError) -> [Change] {
        var script = DiffScript(a, b, costLimit: isShortest ? a.count + b.count + 1 : 2048)
        try script.compare(0..<a.count, 0..<b.count)
        return script.changes()
    }

    private init(_ a: [Int32], _ b: [Int32], costLimit: Int) {
        self.costLimit = costLimit
        self.a = a
        self.b = b
        removed = [Bool](repeating: false, count: a.count)
        added = [Bool](repeating: false, count: b.count)
        forward = [Int](repeating: 0, count: a.count + b.count + 3)
        backward = forward
    }

    private mutating func compare(_ whole: Range<Int>, _ other: Range<Int>) throws(SysError) {
        var x = whole
        var y = other
        while let i = x.first, let j = y.first, a[i] == b[j] {
            x = i + 1..<x.upperBound
            y = j + 1..<y.upperBound
        }
        while let i = x.last, let j = y.last, a[i] == b[j] {
            x = x.lowerBound..<i
            y = y.lowerBound..<j
        }
        if x.isEmpty {
            for j in y { added[j] = true }
        } else if y.isEmpty {
            for i in x { removed[i] = true }
        } else if let (i, j) = try middle(x, y) {
            try compare(x.lowerBound..<i, y.lowerBound..<j)
            try compare(i..<x.upperBound, j..<y.upperBound)
        } else {
            for i in x { removed[i] = true }
            for j in y { added[j] = true }
        }
    }

    /// A place that the shortest way through the box passes; nil where finding it costs too much.
    private mutating func middle(_ x: Range<Int>, _ y: Range<Int>) throws(SysError) -> (Int, Int)? {
        let down = x.lowerBound - y.lowerBound
        let up = x.upperBound - y.upperBound
        let isOdd = (down - up) & 1 != 0
        // Diagonals are i - j; shifted so that the smallest is 1.
        let shift = b.count + 1
        let lowest = x.lowerBound - y.upperBound
        let highest = x.upperBound - y.lowerBound
        forward[down + shift] = x.lowerBound
        backward[up + shift] = x.upperBound
        var (fmin, fmax, bmin, bmax) = (down, down, up, up)
        for cost in 1...costLimit {
            if cost & 63 == 0 { try Thread.check() }
            if fmin > lowest { fmin -= 1; forward[fmin - 1 + shift] = -1 } else { fmin += 1 }
            if fmax < highest { fmax += 1; forward[fmax + 1 + shift] = -1 } else { fmax -= 1 }
            for d in stride(from: fmax, through: fmin, by: -2) {
                let (low, high) = (forward[d - 1 + shift], forward[d + 1 + shift])
                var i = low >= high ? low + 1 : high
                while i < x.upperBound, i - d < y.upperBound, a[i] == b[i - d] { i += 1 }
                forward[d + shift] = i
                if isOdd, bmin <= d, d <= bmax, backward[d + shift] <= i { return (i, i - d) }
            }
            if bmin > lowest { bmin -= 1; backward[bmin - 1 + shift] = .max } else { bmin += 1 }
            if bmax < highest { bmax += 1; backward[bmax + 1 + shift] = .max } else { bmax -= 1 }
            for d in stride(from: bmax, through: bmin, by: -2) {
                let (low, high) = (backward[d - 1 + shift], backward[d + 1 + shift])
                var i = low < high ? low : high - 1
                while i > x.lowerBound, i - d > y.lowerBound, a[i - 1] == b[i - d - 1] { i -= 1 }
                backward[d + shift] = i
                if !isOdd, fmin <= d, d <= fmax, i <= forward[d + shift] { return (i, i - d) }
            }
        }
        return nil
    }

    private func changes() -> [Change] {
        var out: [Change] = []
        var i = 0
        var j = 0
        while i < a.count || j < b.count {
            if i < a.count && removed[i] || j < b.count && added[j] {
                let (from, to) = (i, j)
                while i < a.count, removed[i] { i += 1 }
                while j < b.count, added[j] { j += 1 }
                out.append(Change(a: from..<i, b: to..<j))
            } else {
                i += 1
                j += 1
            }
        }
        return slid(out)
    }

    /// Moves each insertion and deletion as far down as equal lines let it, as people expect to read it.
    private func slid(_ changes: [Change]) -> [Change] {
        var out: [Change] = []
        for (n, change) in changes.enumerated() {
            var c = change
            let nextA = n + 1 < changes.count ? changes[n + 1].a.lowerBound : a.count
            let nextB = n + 1 < changes.count ? changes[n + 1].b.lowerBound : b.count
            if c.a.isEmpty != c.b.isEmpty {
                while c.a.upperBound < nextA, c.b.upperBound < nextB,
                    c.a.isEmpty ? b[c.b.lowerBound] == b[c.b.upperBound] : a[c.a.lowerBound] == a[c.a.upperBound]
                {
                    c.a = c.a.lowerBound + 1..<c.a.upperBound + 1
                    c.b = c.b.lowerBound + 1..<c.b.upperBound + 1
                }
            }
            if let last = out.last, last.a.upperBound == c.a.lowerBound, last.b.upperBound == c.b.lowerBound {
                out[out.count - 1] = Change(
                    a: last.a.lowerBound..<c.a.upperBound, b: last.b.lowerBound..<c.b.upperBound)
            } else {
                out.append(c)
            }
        }
        return out
    }
}
