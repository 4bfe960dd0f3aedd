import Applib
import Kernel

/// Prints numbers.
struct Seq: Command {
    static let usage: Usage = """
        seq [-w] [-f format] [-s separator] [first [step]] last
        -f, --format format        each as printf does with one of %e, %f, %g
        -s, --separator separator  instead of a newline
        -w, --equal-width          with zeros before, all as wide as the widest
        """
    static let flagsEndEarly = true

    /// A negative first number looks like a flag.
    static func arrange(_ arguments: [String]) -> [String] {
        var flags = 0
        while flags < arguments.count, arguments[flags].hasPrefix("-"), (try? Exact(arguments[flags])) == nil {
            if arguments[flags] == "--" { return arguments }
            flags += ["-f", "-s", "--format", "--separator"].contains(arguments[flags]) ? 2 : 1
        }
        let rest = arguments.dropFirst(flags)
        return arguments.prefix(flags) + (rest.first?.hasPrefix("-") ?? false ? ["--"] : []) + rest
    }

    func run(_ r: Run) throws(SysError) {
        let words = try r.operands(1...3)
        let numbers = try words.map { (w) throws(SysError) in try Exact(w) }
        let first = words.count > 1 ? numbers[0] : Exact(one: ())
        let step = words.count > 2 ? numbers[1] : Exact(one: ())
        let last = numbers[words.count - 1]
        guard !first.isInfinite, !step.isInfinite else { throw SysError("only the last number may be infinite") }
        guard step.units != 0 else { throw SysError("a step of 0 never ends") }
        let places = max(first.places, step.places)
        let scale = max(places, last.places)
        let (low, high, by) = (try first.scaled(to: scale), try last.scaled(to: scale), try step.scaled(to: scale))
        func plain(_ n: Int128) -> String { Exact.text(n, scale: scale, places: places) }
        var width = 0
        if r.has("w") {
            guard !r.has("f") else { throw r.misuse("-f and -w exclude each other") }
            let final =
                last.isInfinite ? low : by > 0 && high >= low || by < 0 && high <= low ? high - (high - low) % by : low
            width = max(plain(low).count, plain(final).count)
        }
        let format = try r.options.value("f").map { (f) throws(SysError) in try Format(f) }
        let separator = r.options.value("s") ?? "\n"
        var n = low
        var isFirst = true
        while by > 0 ? n <= high : n >= high {
            if !isFirst { try r.out.write(separator) }
            isFirst = false
            let number = plain(n)
            if let format {
                try r.out.write(format.text(number))
            } else {
                let isNegative = number.first == "-"
                try r.out.write(isNegative ? "-" + String(number.dropFirst()).zeros(width - 1) : number.zeros(width))
            }
            let (next, overflow) = n.addingReportingOverflow(by)
            if overflow { break }
            n = next
            try Thread.check()
        }
        if !isFirst { try r.out.put(UInt8(ascii: "\n")) }
    }

    /// What `-f` says: text with one conversion in it.
    private struct Format {
        private let before: String
        private let conversion: Conversion
        private let letter: Character
        private let behind: String

        init(_ format: String) throws(SysError) {
            let wrong = SysError("-f: format '\(format)' has not one of %e, %f and %g")
            var rest = format[...]
            before = Self.plain(&rest)
            guard rest.popFirst() == "%" else { throw wrong }
            conversion = try Conversion(&rest)
            if rest.first == "L" { rest.removeFirst() }
            guard let letter = rest.popFirst(), "eEfFgG".contains(letter) else { throw wrong }
            self.letter = letter
            behind = Self.plain(&rest)
            guard rest.isEmpty else { throw wrong }
        }

        /// What stands before the next conversion; `%%` is a `%`.
        private static func plain(_ rest: inout Substring) -> String {
            var text = ""
            while let c = rest.first {
                if c == "%" {
                    guard rest.dropFirst().first == "%" else { break }
                    rest.removeFirst()
                }
                text.append(rest.removeFirst())
            }
            return text
        }

        func text(_ number: String) -> String {
            before + conversion.real(Numeral(number) ?? Numeral(), letter) + behind
        }
    }
}

/// A decimal number, exactly: `units` of ten to the power of minus `places`.
private struct Exact {
    let units: Int128
    let places: Int
    /// It is as far as can be counted, up or down.
    let isInfinite: Bool

    init(one: Void) { (units, places, isInfinite) = (1, 0, false) }

    /// Digits with a point among them, and `e` with a power of ten; or `0x` and digits of 16; or `inf`.
    init(_ text: String) throws(SysError) {
        let wrong = SysError("bad number '\(text)'")
        var digits = text[...]
        let isNegative = digits.first == "-"
        if let c = digits.first, "+-".contains(c) { digits.removeFirst() }
        isInfinite = ["inf", "infinity"].contains(digits.lowercased())
        if isInfinite {
            (units, places) = (isNegative ? -Self.limit : Self.limit, 0)
            return
        }
        if digits.hasPrefix("0x") || digits.hasPrefix("0X") {
            digits = digits.dropFirst(2)
            guard let c = digits.first, c.isHexDigit, digits.count <= 30, let n = Int128(digits, radix: 16) else {
                throw wrong
            }
            (units, places) = (isNegative ? -n : n, 0)
            return
        }
        var power = 0
        if let e = digits.firstIndex(where: { $0 == "e" || $0 == "E" }) {
            guard let n = Int(digits[digits.index(after: e)...]), n.magnitude <= 40 else { throw wrong }
            (power, digits) = (n, digits[..<e])
        }
        let parts = digits.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        let fraction = parts.count > 1 ? parts[1] : ""
        let all = parts[0] + fraction
        guard !all.isEmpty, all.utf8.allSatisfy({ $0 > 47 && $0 < 58 }), fraction.count <= 30, all.count <= 37,
            let n = Int128(all)
        else { throw wrong }
        let behind = fraction.count - power
        units = try Self.shifted(isNegative ? -n : n, max(0, -behind))
        places = max(0, behind)
        guard places <= 40 else { throw wrong }
    }

    /// Half of what there can be, so that the difference of two is a number too.
    private static let limit = Int128.max / 2

    private static func shifted(_ n: Int128, _ places: Int) throws(SysError) -> Int128 {
        var n = n
        for _ in 0..<places {
            let (product, overflow) = n.multipliedReportingOverflow(by: 10)
            guard !overflow, product.magnitude <= limit.magnitude else { throw .range }
            n = product
        }
        return n
    }

    func scaled(to places: Int) throws(SysError) -> Int128 {
        isInfinite ? units : try Self.shifted(units, max(0, places - self.places))
    }

    /// `n` units of ten to the minus `scale`, with `places` of the digits behind the point.
    static func text(_ n: Int128, scale: Int, places: Int) -> String {
        guard scale > 0 else { return String(n) }
        let digits = String(n.magnitude).zeros(scale + 1)
        let whole = digits.dropLast(scale)
        let fraction = digits.suffix(scale).prefix(places)
        return (n < 0 ? "-" : "") + whole + (places > 0 ? "." + fraction : "")
    }
}
