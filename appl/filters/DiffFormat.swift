import Applib
import Kernel

/// The forms in which changes are printed.
struct DiffFormat {
    private enum Form { case normal, context, unified, ed, forward, rcs }

    private let r: Run
    private var form = Form.normal
    /// Lines around a change.
    private var context = 3

    init(_ r: Run) throws(SysError) {
        self.r = r
        let forms: [String: Form] = [
            "c": .context, "C": .context, "context": .context, "u": .unified, "U": .unified, "unified": .unified,
            "e": .ed, "f": .forward, "n": .rcs, "normal": .normal,
        ]
        var chosen: Set<Form> = []
        var most: Int?
        for flag in r.options.given {
            guard let form = forms[flag.name] else { continue }
            self.form = form
            chosen.insert(form)
            guard !flag.value.isEmpty || ["C", "U"].contains(flag.name) else { continue }
            guard let lines = Int(flag.value), 0...1 << 30 ~= lines else {
                throw SysError("\(flag.name.count > 1 ? "--" : "-")\(flag.name): bad number '\(flag.value)'")
            }
            most = max(most ?? 0, lines)
        }
        context = most ?? 3
        if chosen.isEmpty, r.has("p") { form = .context }
        guard chosen.count < 2 else { throw r.misuse("one form of output is enough") }
        guard r.options.values("L").count <= 2 else { throw r.misuse("two labels are enough") }
    }

    /// A script for an editor, which gives each line a newline.
    var isEditor: Bool { form == .ed || form == .forward }

    func print(_ changes: [Change], _ ignorable: [Bool], _ a: DiffText, _ b: DiffText) throws(SysError) {
        let kept = zip(changes, ignorable).filter { !$1 }.map(\.0)
        switch form {
        case .normal: for c in kept { try normal(c, a, b) }
        case .ed: for c in kept.reversed() { try ed(c, a, b) }
        case .forward: for c in kept { try forward(c, b) }
        case .rcs: for c in kept { try rcs(c, b) }
        case .context, .unified:
            try titles(a, b)
            for hunk in hunks(changes, ignorable, a, b) {
                if form == .context { try inContext(hunk, a, b) } else { try unified(hunk, a, b) }
            }
        }
    }

    /// An editor's script has no way to say that the last line has no newline: tells where it has none.
    func tellOpenEnds(_ texts: [DiffText]) throws(SysError) {
        guard isEditor else { return }
        for text in texts where !text.endsInNewline {
            try r.warn(SysError("no newline at the end of the file", subject: text.name))
        }
    }

    // MARK: lines

    private func line(_ mark: String, _ text: DiffText, _ i: Int) throws(SysError) {
        let bytes = text.lines[i]
        // The tab stands for the blank at the mark's end.
        try r.out.write(r.has("T") ? (mark.hasSuffix(" ") ? String(mark.dropLast()) : mark) + "\t" : mark)
        if r.has("t") { try expanded(bytes) } else { try r.out.write(bytes) }
        try r.out.put(0x0a)
        if i == text.lines.count - 1, !text.endsInNewline, !isEditor { try r.out.line("\\ No newline at end of file") }
    }

    private func expanded(_ bytes: [UInt8]) throws(SysError) {
        var column = 0
        for byte in bytes {
            switch byte {
            case 0x09:
                try r.out.write(String(repeating: " ", count: 8 - column % 8))
                column += 8 - column % 8
                continue
            case 0x0d: column = 0
            case 0x08: column = max(0, column - 1)
            default: if byte >= 0x20, byte & 0xc0 != 0x80 { column += 1 }
            }
            try r.out.put(byte)
        }
    }

    private func lines(_ mark: String, _ text: DiffText, _ range: Range<Int>) throws(SysError) {
        for i in range { try line(mark, text, i) }
    }

    /// Lines from the first to the last; of an empty range the one before it.
    private static func place(_ range: Range<Int>, _ between: String = ",") -> String {
        range.count < 2 ? "\(range.upperBound)" : "\(range.lowerBound + 1)\(between)\(range.upperBound)"
    }

    private static func verb(_ c: Change) -> String { c.a.isEmpty ? "a" : c.b.isEmpty ? "d" : "c" }

    // MARK: without context

    private func normal(_ c: Change, _ a: DiffText, _ b: DiffText) throws(SysError) {
        try r.out.line(Self.place(c.a) + Self.verb(c) + Self.place(c.b))
        try lines("< ", a, c.a)
        if !c.a.isEmpty, !c.b.isEmpty { try r.out.line("---") }
        try lines("> ", b, c.b)
    }

    /// For an editor that reads lines up to one that is a dot: such a line is written as two dots, and cut afterwards.
    private func ed(_ c: Change, _ a: DiffText, _ b: DiffText) throws(SysError) {
        try r.out.line(Self.place(c.a) + Self.verb(c))
        guard !c.b.isEmpty else { return }
        var isInserting = true
        for i in c.b {
            if !isInserting { try r.out.line("a") }
            isInserting = b.lines[i] != [UInt8(ascii: ".")]
            if isInserting { try line("", b, i) } else { try r.out.write("..\n.\ns/.//\n") }
        }
        if isInserting { try r.out.line(".") }
    }

    private func forward(_ c: Change, _ b: DiffText) throws(SysError) {
        try r.out.line(Self.verb(c) + Self.place(c.a, " "))
        guard !c.b.isEmpty else { return }
        try lines("", b, c.b)
        try r.out.line(".")
    }

    private func rcs(_ c: Change, _ b: DiffText) throws(SysError) {
        if !c.a.isEmpty { try r.out.line("d\(c.a.lowerBound + 1) \(c.a.count)") }
        guard !c.b.isEmpty else { return }
        try r.out.line("a\(c.a.upperBound) \(c.b.count)")
        for i in c.b {
            try r.out.write(b.lines[i])
            if i < b.lines.count - 1 || b.endsInNewline { try r.out.put(0x0a) }
        }
    }

    // MARK: with context

    /// Changes that stand together, and the lines of both files around them.
    private struct Hunk {
        let changes: ArraySlice<Change>
        let a: Range<Int>
        let b: Range<Int>
    }

    private func hunks(_ changes: [Change], _ ignorable: [Bool], _ a: DiffText, _ b: DiffText) -> [Hunk] {
        var hunks: [Hunk] = []
        var i = 0
        while i < changes.count {
            var last = i
            while last + 1 < changes.count {
                // A change that does not count is taken in only where it is near.
                let most = ignorable[last + 1] ? context - 1 : 2 * context
                guard changes[last + 1].a.lowerBound - changes[last].a.upperBound <= most else { break }
                last += 1
            }
            if ignorable[i...last].contains(false) {
                let before = min(context, changes[i].a.lowerBound, changes[i].b.lowerBound)
                let (endA, endB) = (changes[last].a.upperBound, changes[last].b.upperBound)
                let after = min(context, a.lines.count - endA, b.lines.count - endB)
                hunks.append(
                    Hunk(
                        changes: changes[i...last], a: changes[i].a.lowerBound - before..<endA + after,
                        b: changes[i].b.lowerBound - before..<endB + after))
            }
            i = last + 1
        }
        return hunks
    }

    private func titles(_ a: DiffText, _ b: DiffText) throws(SysError) {
        let marks = form == .context ? ["***", "---"] : ["---", "+++"]
        let labels = r.options.values("L")
        let zone = Zone(of: r.p)
        for (i, text) in [a, b].enumerated() {
            let (seconds, rest) = text.modified.wholeSeconds()
            let time = Moment(seconds, in: zone)
                .text("%Y-%m-%d %H:%M:%S.%N %z", nanoseconds: rest)
            try r.out.line("\(marks[i]) \(i < labels.count ? labels[i] : text.name + "\t" + time)")
        }
    }

    /// The last line before `end` that begins like a function of C, with a blank before it; empty where -p is not given.
    private func function(_ text: DiffText, before end: Int) -> String {
        guard r.has("p") else { return "" }
        for line in text.lines[..<end].reversed() {
            guard let c = line.first, 0x61...0x7a ~= c | 0x20 || c == UInt8(ascii: "_") || c == UInt8(ascii: "$") else {
                continue
            }
            return " " + String(decoding: line.prefix(40), as: UTF8.self).trimmedEnd
        }
        return ""
    }

    private func unified(_ hunk: Hunk, _ a: DiffText, _ b: DiffText) throws(SysError) {
        func place(_ range: Range<Int>) -> String {
            switch range.count {
            case 0: "\(range.lowerBound),0"
            case 1: "\(range.upperBound)"
            default: "\(range.lowerBound + 1),\(range.count)"
            }
        }
        try r.out.line("@@ -\(place(hunk.a)) +\(place(hunk.b)) @@\(function(a, before: hunk.a.lowerBound))")
        var at = hunk.a.lowerBound
        for c in hunk.changes {
            try lines(" ", a, at..<c.a.lowerBound)
            try lines("-", a, c.a)
            try lines("+", b, c.b)
            at = c.a.upperBound
        }
        try lines(" ", a, at..<hunk.a.upperBound)
    }

    private func inContext(_ hunk: Hunk, _ a: DiffText, _ b: DiffText) throws(SysError) {
        try r.out.line("***************\(function(a, before: hunk.a.lowerBound))")
        try r.out.line("*** \(Self.place(hunk.a)) ****")
        if hunk.changes.contains(where: { !$0.a.isEmpty }) {
            var at = hunk.a.lowerBound
            for c in hunk.changes {
                try lines("  ", a, at..<c.a.lowerBound)
                try lines(c.b.isEmpty ? "- " : "! ", a, c.a)
                at = c.a.upperBound
            }
            try lines("  ", a, at..<hunk.a.upperBound)
        }
        try r.out.line("--- \(Self.place(hunk.b)) ----")
        guard hunk.changes.contains(where: { !$0.b.isEmpty }) else { return }
        var at = hunk.b.lowerBound
        for c in hunk.changes {
            try lines("  ", b, at..<c.b.lowerBound)
            try lines(c.a.isEmpty ? "+ " : "! ", b, c.b)
            at = c.b.upperBound
        }
        try lines("  ", b, at..<hunk.b.upperBound)
    }
}

extension String {
    /// Without blanks at its end.
    fileprivate var trimmedEnd: String {
        var text = self[...]
        while let c = text.last, c.isWhitespace { text.removeLast() }
        return String(text)
    }
}
