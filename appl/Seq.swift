import Kernel

/// Prints numbers.
struct Seq: Command {
    static let usage: Usage = """
        seq [-w] [-s separator] [first [step]] last
        -s separator  instead of a newline
        -w            with zeros before, all as wide as the widest
        """
    static let flagsEndEarly = true

    /// A negative first number looks like a flag.
    static func arrange(_ arguments: [String]) -> [String] {
        var flags = 0
        while flags < arguments.count, arguments[flags].hasPrefix("-"), Double(arguments[flags]) == nil {
            if arguments[flags] == "--" { return arguments }
            flags += arguments[flags].hasSuffix("s") ? 2 : 1
        }
        let (before, rest) = (arguments.prefix(flags), arguments.dropFirst(flags))
        return before + (rest.first?.hasPrefix("-") ?? false ? ["--"] : []) + rest
    }

    func run(_ r: Run) throws(SysError) {
        let words = try r.operands(1...3)
        let numbers = try words.map { (w) throws(SysError) in try Exact(w) }
        let first = words.count > 1 ? numbers[0] : Exact(one: ())
        let step = words.count > 2 ? numbers[1] : Exact(one: ())
        let last = numbers[words.count - 1]
        guard step.units != 0 else { throw SysError("a step of 0 never ends") }
        let places = max(first.places, step.places)
        let scale = max(places, last.places)
        let (low, high, by) = (try first.scaled(to: scale), try last.scaled(to: scale), try step.scaled(to: scale))
        func text(_ n: Int) -> String { Exact.text(n, scale: scale, places: places) }
        var width = 0
        if r.has("w") {
            let final = by > 0 && high >= low || by < 0 && high <= low ? high - (high - low) % by : low
            width = max(text(low).count, text(final).count)
        }
        let separator = r.options.value("s") ?? "\n"
        var n = low
        var isFirst = true
        while by > 0 ? n <= high : n >= high {
            if !isFirst { try r.out.write(separator) }
            isFirst = false
            let number = text(n)
            try r.out.write(
                number.first == "-" ? "-" + String(number.dropFirst()).zeros(width - 1) : number.zeros(width))
            let (next, overflow) = n.addingReportingOverflow(by)
            if overflow { break }
            n = next
            try Thread.check()
        }
        if !isFirst { try r.out.put(UInt8(ascii: "\n")) }
    }
}

/// A decimal number, exactly: `units` of ten to the power of minus `places`.
private struct Exact {
    let units: Int
    let places: Int

    init(one: Void) { (units, places) = (1, 0) }

    init(_ text: String) throws(SysError) {
        let wrong = SysError("bad number '\(text)'")
        var digits = text[...]
        let isNegative = digits.first == "-"
        if let c = digits.first, "+-".contains(c) { digits.removeFirst() }
        let parts = digits.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        let fraction = parts.count > 1 ? parts[1] : ""
        let all = parts[0] + fraction
        guard !all.isEmpty, all.utf8.allSatisfy({ $0 > 47 && $0 < 58 }), fraction.count <= 18, let n = Int(all) else {
            throw wrong
        }
        units = isNegative ? -n : n
        places = fraction.count
    }

    func scaled(to places: Int) throws(SysError) -> Int {
        var n = units
        for _ in self.places..<max(places, self.places) {
            let (product, overflow) = n.multipliedReportingOverflow(by: 10)
            if overflow { throw .range }
            n = product
        }
        return n
    }

    /// `n` units of ten to the minus `scale`, with `places` of the digits behind the point.
    static func text(_ n: Int, scale: Int, places: Int) -> String {
        guard scale > 0 else { return String(n) }
        let digits = String(n.magnitude).zeros(scale + 1)
        let whole = digits.dropLast(scale)
        let fraction = digits.suffix(scale).prefix(places)
        return (n < 0 ? "-" : "") + whole + (places > 0 ? "." + fraction : "")
    }
}
