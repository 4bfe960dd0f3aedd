/// The value of a `con`: literals, constants declared above, `iota`, the casts `int`, `big` and `real`, and Limbo's
/// operators. Integers wrap as in Limbo; what has no value (a division by zero, a shift out of range) is a fault.
struct ConstantExpression {
    private let tokens: [Placed]
    private let known: [String: ConstantValue]
    /// The first token that is not part of the expression.
    private(set) var at: Int

    init(_ tokens: [Placed], at: Int, known: [String: ConstantValue]) {
        self.tokens = tokens
        self.at = at
        self.known = known
    }

    private static let precedence: [String: Int] = [
        "|": 1, "^": 2, "&": 3, "<<": 4, ">>": 4, "+": 5, "-": 5, "*": 6, "/": 6, "%": 6,
    ]

    mutating func value() throws(Fault) -> ConstantValue { try binary(1, 0) }

    /// Operators that bind at least as tightly as `level`, from left to right.
    private mutating func binary(_ level: Int, _ depth: Int) throws(Fault) -> ConstantValue {
        var left = try unary(depth)
        while case .mark(let mark) = tokens[at].token, let tightness = Self.precedence[mark], tightness >= level {
            at += 1
            let right = try binary(tightness + 1, depth + 1)
            left = try Self.apply(mark, left, right)
        }
        return left
    }

    private mutating func unary(_ depth: Int) throws(Fault) -> ConstantValue {
        guard depth < Limit.depth else { throw Fault("the expression nests deeper than \(Limit.depth)") }
        let token = tokens[at].token
        guard token != .end else { throw Fault("the expression is missing") }
        at += 1
        switch token {
        case .integer(let value):
            if let small = Int32(exactly: value) { return .int(small) }
            return .big(Int64(bitPattern: value))
        case .real(let value): return .real(value)
        case .string(let value): return .string(value)
        case .character(let value): return .int(Int32(bitPattern: value))
        case .mark("("):
            let value = try binary(1, depth + 1)
            guard tokens[at].token == .mark(")") else { throw Fault("expected ')', found \(tokens[at].token.text)") }
            at += 1
            return value
        case .mark("-"): return try Self.negate(try unary(depth + 1))
        case .mark("+"): return try unary(depth + 1)
        case .mark("~"):
            switch try unary(depth + 1) {
            case .int(let value): return .int(~value)
            case .big(let value): return .big(~value)
            default: throw Fault("'~' takes an integer")
            }
        case .name("int"): return try Self.int(try unary(depth + 1))
        case .name("big"): return try Self.big(try unary(depth + 1))
        case .name("real"): return try Self.real(try unary(depth + 1))
        case .name(let name):
            guard let value = known[name] else { throw Fault("\(quoted(name)) is no constant declared above") }
            return value
        default: throw Fault("expected a value, found \(token.text)")
        }
    }

    private static func negate(_ value: ConstantValue) throws(Fault) -> ConstantValue {
        switch value {
        case .int(let value): .int(0 &- value)
        case .big(let value): .big(0 &- value)
        case .real(let value): .real(-value)
        case .string: throw Fault("'-' takes a number")
        }
    }

    private static func int(_ value: ConstantValue) throws(Fault) -> ConstantValue {
        switch value {
        case .int: return value
        case .big(let value): return .int(Int32(truncatingIfNeeded: value))
        case .real(let value):
            guard let exact = Int32(exactly: value.rounded()) else { throw Fault("\(value) is out of range for int") }
            return .int(exact)
        case .string: throw Fault("a string is no int")
        }
    }

    private static func big(_ value: ConstantValue) throws(Fault) -> ConstantValue {
        switch value {
        case .int(let value): return .big(Int64(value))
        case .big: return value
        case .real(let value):
            guard let exact = Int64(exactly: value.rounded()) else { throw Fault("\(value) is out of range for big") }
            return .big(exact)
        case .string: throw Fault("a string is no big")
        }
    }

    private static func real(_ value: ConstantValue) throws(Fault) -> ConstantValue {
        switch value {
        case .int(let value): return .real(Double(value))
        case .big(let value): return .real(Double(value))
        case .real: return value
        case .string: throw Fault("a string is no real")
        }
    }

    /// Both sides are of one type, as Limbo wants it; only `<<` and `>>` take any integer on the right.
    private static func apply(
        _ mark: String, _ left: ConstantValue, _ right: ConstantValue
    ) throws(Fault) -> ConstantValue {
        switch (left, right) {
        case (.int(let a), .int(let b)): return .int(try integer(mark, a, b))
        case (.big(let a), .big(let b)): return .big(try integer(mark, a, b))
        case (.big(let a), .int(let b)) where mark == "<<" || mark == ">>": return .big(try integer(mark, a, Int64(b)))
        case (.real(let a), .real(let b)):
            let value: Double
            switch mark {
            case "+": value = a + b
            case "-": value = a - b
            case "*": value = a * b
            case "/": value = a / b
            default: throw Fault("'\(mark)' takes integers")
            }
            guard value.isFinite else { throw Fault("'\(mark)' leaves the range of real") }
            return .real(value)
        case (.string(let a), .string(let b)) where mark == "+":
            guard a.utf8.count + b.utf8.count <= Limit.string else {
                throw Fault("a string is longer than \(Limit.string) bytes")
            }
            return .string(a + b)
        default: throw Fault("'\(mark)' takes two values of one type")
        }
    }

    private static func integer<I: FixedWidthInteger & SignedInteger>(_ mark: String, _ a: I, _ b: I) throws(Fault) -> I
    {
        switch mark {
        case "+": return a &+ b
        case "-": return a &- b
        case "*": return a &* b
        case "/", "%":
            guard b != 0 else { throw Fault("division by zero") }
            return mark == "/"
                ? a.dividedReportingOverflow(by: b).partialValue
                : a.remainderReportingOverflow(dividingBy: b).partialValue
        case "<<", ">>":
            guard (0..<I(I.bitWidth)).contains(b) else { throw Fault("a shift by \(b) is out of range") }
            return mark == "<<" ? a << b : a >> b
        case "&": return a & b
        case "|": return a | b
        default: return a ^ b
        }
    }
}
