import Codec
import Kernel

/// What must hold for any bytes: the first says which options, a line is the pattern, the rest is the text. The pattern is refused
/// with a sentence, or what the searches find is in the text, in order, and the same for all of them.
public func checkRegex(_ bytes: [UInt8]) {
    guard let first = bytes.first else { return }
    let parts = bytes.dropFirst().prefix(600).split(separator: 10, maxSplits: 1, omittingEmptySubsequences: false)
    let pattern = String(decoding: parts[0], as: UTF8.self)
    let text = parts.count > 1 ? Array(parts[1].prefix(200)) : []
    do throws(SysError) {
        let matcher = try Regex(pattern, Regex.Options(rawValue: Int(first & 63))).matcher()
        let all = try matcher.all(in: text.span.bytes)
        let (one, any) = (try matcher.first(in: text.span.bytes), try matcher.matches(text.span.bytes))
        precondition(one == all.first && any == !all.isEmpty, "the searches differ")
        var end = 0
        for match in all {
            precondition(end <= match.lowerBound && match.upperBound <= text.count, "order")
            end = match.upperBound
            let groups = try matcher.groups(in: text.span.bytes, of: match)
            precondition(groups.count == matcher.regex.groups + 1 && groups.first == match, "groups")
            precondition(
                groups.allSatisfy { $0.map { match.lowerBound <= $0.lowerBound && $0.upperBound <= end } ?? true })
        }
        var at = 0
        while let line = try matcher.nextLine(in: text.span.bytes, from: at) {
            precondition(at <= line.lowerBound && line.upperBound <= text.count && !text[line].contains(10), "line")
            let matches = try matcher.matches(text.span.bytes.extracting(line))
            precondition(matches, "a line without a match")
            at = line.upperBound + 1
        }
    } catch {
        precondition(error.sentence.hasPrefix("regular expression: "), error.sentence)
    }
}
