/// Arithmetic on 64-bit integers in postfix notation. The corresponding Inferno page is `sh-expr(1)`.
///
/// What does not fit wraps around, as in Limbo.
enum ExprModule {
    @Sendable static func make() -> ShellModule {
        ShellModule(
            name: "expr",
            builtins: [
                "ntest": { (shell, items) throws(Failure) in
                    guard items.count == 2, let n = number(items[1].text) else { throw shell.usage("ntest num") }
                    return n == 0 ? "0" : ""
                }
            ],
            substitutions: ["expr": expr])
    }

    private typealias Binary = @Sendable (Int64, Int64) -> Int64?

    /// Operators of two operands; nil is a division by zero.
    private static let binary: [String: Binary] = {
        let rows: [([String], Binary)] = [
            (["+"], { $0 &+ $1 }),
            (["-"], { $0 &- $1 }),
            (["x", "*"], { $0 &* $1 }),
            (["/"], { $1 == 0 ? nil : $1 == -1 ? 0 &- $0 : $0 / $1 }),
            (["%"], { $1 == 0 ? nil : $1 == -1 ? 0 : $0 % $1 }),
            (["and"], { $0 & $1 }),
            (["or"], { $0 | $1 }),
            (["xor"], { $0 ^ $1 }),
            (["<<", "shl"], { $0 << $1 }),
            ([">>", "shr"], { $0 >> $1 }),
            (["=", "==", "eq"], { $0 == $1 ? 1 : 0 }),
            (["!=", "neq"], { $0 != $1 ? 1 : 0 }),
            ([">", "gt"], { $0 > $1 ? 1 : 0 }),
            (["<", "lt"], { $0 < $1 ? 1 : 0 }),
            ([">=", "ge"], { $0 >= $1 ? 1 : 0 }),
            (["<=", "le"], { $0 <= $1 ? 1 : 0 }),
        ]
        var table: [String: Binary] = [:]
        for (names, operation) in rows { for name in names { table[name] = operation } }
        return table
    }()

    private static let unary: [String: @Sendable (Int64) -> Int64] = [
        "~": { ~$0 }, "_": { 0 &- $0 }, "!": { $0 == 0 ? 1 : 0 }, "not": { $0 == 0 ? 1 : 0 },
    ]

    private static let expr: Substitution = { (shell, items) throws(Failure) in
        var words = items.dropFirst().map(\.text)[...]
        var radix = 10
        if words.first == "-r" {
            guard let n = words.dropFirst().first.flatMap({ Int($0) }), (2...36).contains(n) else {
                throw shell.usage("${expr [-r radix] [arg ...]}")
            }
            radix = n
            words = words.dropFirst(2)
        }
        var stack: [Int64] = []
        func pop(_ name: String) throws(Failure) -> Int64 {
            guard let n = stack.popLast() else { throw shell.raise("usage", "expr: \(name): too few operands") }
            return n
        }
        func apply(_ name: String, _ operation: Binary) throws(Failure) {
            let right = try pop(name)
            let left = try pop(name)
            guard let n = operation(left, right) else { throw shell.raise("divide by zero", "expr: divide by zero") }
            stack.append(n)
        }
        var last: (String, Binary)?
        for word in words {
            if let operation = binary[word] {
                try apply(word, operation)
                last = (word, operation)
            } else if let operation = unary[word] {
                stack.append(operation(try pop(word)))
                last = nil
            } else if word == "seq" {
                let end = try pop(word)
                let start = try pop(word)
                let (distance, overflow) = end.subtractingReportingOverflow(start)
                guard !overflow, distance.magnitude < Limit.list else {
                    throw shell.raise("list too long", "expr: seq: list too long")
                }
                stack += start <= end ? Array(start...end) : Array((end...start).reversed())
                last = nil
            } else if word == "rep" {
                guard let (name, operation) = last else {
                    throw shell.raise("usage", "expr: rep: no operation of two operands before it")
                }
                while stack.count > 1 { try apply(name, operation) }
            } else if let n = number(word) {
                stack.append(n)
            } else {
                throw shell.raise("usage", "expr: \(quoted(word)): unknown operator")
            }
        }
        return stack.map { .text(written($0, radix)) }
    }

    /// An integer as Limbo writes it: `12`, `-3`, `16rff`; and `0xff`.
    static func number(_ text: String) -> Int64? {
        var digits = text[...]
        let negative = digits.hasPrefix("-")
        if negative { digits = digits.dropFirst() }
        var radix = 10
        if digits.hasPrefix("0x") {
            radix = 16
            digits = digits.dropFirst(2)
        } else if let r = digits.firstIndex(of: "r"), let base = Int(digits[..<r]) {
            guard (2...36).contains(base) else { return nil }
            radix = base
            digits = digits[digits.index(after: r)...]
        }
        guard let first = digits.utf8.first, first != UInt8(ascii: "-"), first != UInt8(ascii: "+") else { return nil }
        return Int64((negative ? "-" : "") + digits, radix: radix)
    }

    /// A number that `number` reads.
    private static func written(_ n: Int64, _ radix: Int) -> String {
        guard radix != 10 else { return String(n) }
        return (n < 0 ? "-" : "") + "\(radix)r" + String(n.magnitude, radix: radix)
    }
}
