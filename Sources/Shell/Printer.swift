extension Block {
    /// The block as text, the shortest that parses to an equal block: `{echo hello;echo goodbye}`.
    var text: String {
        var printer = Printer()
        printer.block(self)
        return printer.text
    }
}

/// Turns trees into text.
struct Printer {
    private(set) var text = ""

    /// Commands on one line, separated as little as the grammar allows.
    static func text(_ commands: [Command]) -> String {
        var printer = Printer()
        printer.commands(commands)
        return printer.text
    }

    static func text(_ word: Word) -> String {
        var printer = Printer()
        printer.word(word)
        return printer.text
    }

    mutating func block(_ block: Block) {
        text += "{"
        commands(block.commands)
        text += "}"
    }

    private mutating func commands(_ list: [Command]) {
        var separate = false
        for c in list {
            if separate { text += ";" }
            command(c)
            // `&` separates by itself.
            if case .background = c { separate = false } else { separate = true }
        }
    }

    private mutating func command(_ c: Command) {
        switch c {
        case .simple(let s): simple(s)
        case .assign(let a): assignment(a)
        case .pipeline(let p):
            for (i, c) in p.commands.enumerated() {
                if i > 0 { joint(p.joints[i - 1]) }
                var printer = Printer()
                printer.command(c)
                // A class is not a descriptor: `a| [bc]*`.
                if printer.text.utf8.first == UInt8(ascii: "[") { text += " " }
                text += printer.text
            }
        case .chain(let first, let links):
            command(first)
            for link in links {
                text += link.and ? "&&" : "||"
                command(link.command)
            }
        case .background(let c):
            command(c)
            text += "&"
        }
    }

    private mutating func joint(_ j: Joint) {
        switch (j.left, j.right) {
        case (1, 0): text += "|"
        case (_, 0): text += "|[\(j.left)]"
        default: text += "|[\(j.left)=\(j.right)]"
        }
    }

    private mutating func simple(_ s: Simple) {
        words(s.words)
        for r in s.redirections {
            switch r {
            case .open(let fd, let access, let target):
                // The blank keeps `> [ab]*` and `< >{...}` from being read as something else.
                text += fd == access.descriptor ? "\(access.sign) " : "\(access.sign)[\(fd)] "
                word(target)
            case .dup(let fd, let from, let access): text += "\(access.sign)[\(fd)=\(from)]"
            case .close(let fd, let access): text += "\(access.sign)[\(fd)=]"
            }
        }
    }

    private mutating func assignment(_ a: Assignment) {
        word(a.names)
        if text.utf8.last == UInt8(ascii: ":") { text += " " }
        text += a.local ? ":=" : "="
        switch a.value {
        case .words(let list): words(list)
        case .assignment(let inner): assignment(inner)
        }
    }

    private mutating func words(_ list: [Word]) {
        for (i, w) in list.enumerated() {
            if i > 0 { text += " " }
            word(w)
        }
    }

    mutating func word(_ w: Word) {
        switch w {
        case .literal(let s, let glob): text += glob ? s : quoted(s)
        case .variable(let name):
            text += "$"
            self.name(name)
        case .count(let name):
            text += "$#"
            self.name(name)
        case .joined(let name):
            text += "$\""
            self.name(name)
        case .substitution(let list, _):
            text += "${"
            words(list)
            text += "}"
        case .output(let b, let split):
            text += split ? "`" : "\""
            block(b)
        case .pipe(let b, let access):
            text += access.sign
            block(b)
        case .block(let b): block(b)
        case .caret(let parts):
            for (i, part) in parts.enumerated() {
                // `[^` opens a class, so a caret after a bracket stands apart.
                if i > 0 { text += text.utf8.last == UInt8(ascii: "[") ? " ^ " : "^" }
                word(part)
            }
        case .list(let list):
            text += "("
            words(list)
            text += ")"
        }
    }

    private mutating func name(_ w: Word) {
        guard case .literal(let s, _) = w else { return word(w) }
        if !s.isEmpty, s.utf8.allSatisfy(Lex.isName) {
            text += s
        } else {
            text += quoted(s).utf8.first == UInt8(ascii: "'") ? quoted(s) : "'\(s)'"
        }
    }
}
