import Applib
import Kernel

/// Waits.
struct Sleep: Command {
    static let usage: Usage = """
        sleep time ...
        A time is a number of seconds, with a fraction if you like, or of minutes, hours or days: 1.5, 2m, 1h, 1d.
        Several add up. infinity has no end.
        """

    func run(_ r: Run) throws(SysError) {
        var total: Double = 0
        for text in try r.operands(1...Int.max) {
            var digits = text[...]
            var unit = 1.0
            if let letter = digits.last, let n = ["s": 1.0, "m": 60, "h": 3600, "d": 86400][letter] {
                unit = n
                digits.removeLast()
            }
            if text == "infinity" { digits = "1e15" }
            guard let n = Double(digits), n >= 0, n.isFinite else { throw SysError("bad time '\(text)'") }
            total += n * unit
        }
        // The longest sleep that there is lasts longer than any host.
        try r.p.sleep(milliseconds: Int64(min((total * 1000).rounded(.up), 1e15)))
    }
}
