import Kernel

/// From words to lists of strings.
extension Shell {
    /// One element on its way: `pattern` is set while it has `* ? [` without quotes.
    struct Piece {
        var item: Item
        var pattern: String?

        var text: String { item.text }
    }

    /// The words of a command as its arguments: everything put in, patterns replaced by the names they match.
    func arguments(_ words: [Word]) throws(Failure) -> [Item] {
        var items: [Item] = []
        items.reserveCapacity(words.count)
        for word in words {
            switch word {
            case .literal(let text, glob: false): items.append(.text(text))
            case .block(let block): items.append(.block(block))
            default:
                for piece in try expand(word) {
                    guard let pattern = piece.pattern else {
                        items.append(piece.item)
                        continue
                    }
                    let names = try Glob.names(pattern, p)
                    if names.isEmpty { items.append(piece.item) } else { items += names.map { .text($0) } }
                }
            }
            guard items.count <= Limit.list else { throw raise("list too long", "list too long") }
        }
        return items
    }

    /// A word's list, before patterns are matched.
    func expand(_ word: Word) throws(Failure) -> [Piece] {
        switch word {
        case .literal(let text, let glob): return [Piece(item: .text(text), pattern: glob ? text : nil)]
        case .block(let block): return [Piece(item: .block(block))]
        case .variable(let name): return context.value(try variable(name)).map { Piece(item: $0) }
        case .count(let name): return [Piece(item: .text("\(context.value(try variable(name)).count)"))]
        case .joined(let name):
            let list = context.value(try variable(name)).map(\.text)
            return [Piece(item: .text(try bounded(list.joined(separator: " "))))]
        case .list(let words):
            var pieces: [Piece] = []
            for w in words { pieces += try expand(w) }
            return pieces
        case .caret(let words):
            var left = try expand(words[0])
            for w in words.dropFirst() { left = try joined(left, try expand(w)) }
            return left
        case .substitution(let words, let line):
            let outer = place.line
            defer { place.line = outer }
            place.line = line.number
            return try substitute(try arguments(words)).map { Piece(item: $0) }
        case .output(let block, let split):
            let text = try output(block)
            guard split else { return [Piece(item: .text(text))] }
            return self.split(text, at: separators).map { Piece(item: .text($0)) }
        case .pipe(let block, let access): return [Piece(item: .text(try named(block, access)))]
        }
    }

    private func variable(_ word: Word) throws(Failure) -> String {
        if case .literal(let name, _) = word { return name }
        let names = try expand(word)
        guard names.count == 1, let name = names.first?.text, !name.isEmpty else {
            throw raise("bad $ arg", "$ wants one name, not \(names.count)")
        }
        return name
    }

    /// `^`: pairwise where both lists are as long, else the single element with each of the others.
    private func joined(_ left: [Piece], _ right: [Piece]) throws(Failure) -> [Piece] {
        if left.count == right.count {
            var pieces: [Piece] = []
            for (a, b) in zip(left, right) { pieces.append(try joined(a, b)) }
            return pieces
        }
        guard left.count == 1 || right.count == 1, !left.isEmpty, !right.isEmpty else {
            throw raise("bad concatenation", "cannot join a list of \(left.count) and one of \(right.count) with ^")
        }
        var pieces: [Piece] = []
        for a in left { for b in right { pieces.append(try joined(a, b)) } }
        return pieces
    }

    private func joined(_ a: Piece, _ b: Piece) throws(Failure) -> Piece {
        let text = try bounded(a.text + b.text)
        guard a.pattern != nil || b.pattern != nil else { return Piece(item: .text(text)) }
        let pattern = (a.pattern ?? Pattern.escaped(a.text)) + (b.pattern ?? Pattern.escaped(b.text))
        return Piece(item: .text(text), pattern: pattern)
    }

    private func bounded(_ text: String) throws(Failure) -> String {
        guard text.utf8.count <= Limit.string else { throw raise("string too long", "string too long") }
        return text
    }

    /// `${name arguments}`
    func substitute(_ items: [Item]) throws(Failure) -> [Item] {
        guard let name = items.first?.text else { throw raise("bad $ arg", "${} without a name") }
        guard let definition = context.substitution(name) else {
            throw raise("builtin not found", "${\(name)}: builtin not found")
        }
        return try definition.body(self, items)
    }

    /// The separators of `$ifs`.
    var separators: String {
        let ifs = context.value("ifs")
        return ifs.isEmpty ? " \t\n" : ifs.map(\.text).joined()
    }

    /// `text` cut at each run of separators; no empty strings.
    func split(_ text: String, at separators: String) -> [String] {
        if separators.utf8.allSatisfy({ $0 < 0x80 }) {
            let marks = Array(separators.utf8)
            return text.utf8.split { marks.contains($0) }.map { String(Substring($0)) }
        }
        let marks = Array(separators.unicodeScalars)
        return text.unicodeScalars.split { marks.contains($0) }.map { String($0) }
    }
}
