extension Generator {
    /// What stands at a path inside, and which line of `emu.conf` put it there.
    private enum Node {
        case directory
        case program(line: Int)
        case file(source: String, line: Int)
    }

    /// The table of embedded files, sorted by path: a directory before what is in it. The directories above the
    /// programs are in it too.
    mutating func root() -> String {
        var nodes: [String: Node] = ["/": .directory]
        for program in conf.programs { place(.program(line: program.line), program.path, program.line, &nodes) }
        for entry in conf.roots {
            guard let source = entry.source else {
                place(.directory, entry.path, entry.line, &nodes)
                continue
            }
            if tree.paths.contains(source) {
                place(.file(source: source, line: entry.line), entry.path, entry.line, &nodes)
                continue
            }
            let files = tree.paths.filter { $0.hasPrefix(source + "/") }
            if files.isEmpty { fail(entry.line, "no file or directory \(quoted(source)) in the repository") }
            for file in files {
                let below = entry.path == "/" ? "" : entry.path
                let path = below + file.dropFirst(source.count)
                place(.file(source: file, line: entry.line), path, entry.line, &nodes)
            }
        }
        var entries = ""
        for (path, node) in nodes.sorted(by: { Self.before($0.key, $1.key) }) {
            switch node {
            case .directory: entries += "    RootFile(directory: \(SwiftText.literal(path))),\n"
            case .program: break
            case .file(let source, let line):
                rootFiles.insert(path)
                entries += file(path, source, line)
            }
        }
        return """

            /// What emu.conf embeds, directories before what is in them.
            public let rootTable: [RootFile] = [
            \(entries)]

            """
    }

    /// The order of a walk: by the names on the path, so that `/a/b` comes before `/a-b`.
    private static func before(_ a: String, _ b: String) -> Bool {
        a.split(separator: "/").lexicographicallyPrecedes(b.split(separator: "/"))
    }

    private mutating func place(_ node: Node, _ path: String, _ line: Int, _ nodes: inout [String: Node]) {
        var parent = path
        while let slash = parent.lastIndex(of: "/"), slash != parent.startIndex {
            parent = String(parent[..<slash])
            switch nodes[parent] {
            case nil: nodes[parent] = .directory
            case .directory: break
            case .program(let before), .file(_, let before):
                return fail(line, "\(quoted(path)) is below \(quoted(parent)), a file since line \(before)")
            }
        }
        switch (nodes[path], node) {
        case (nil, _), (.directory, .directory): nodes[path] = node
        case (.program(let before), _), (.file(_, let before), _):
            fail(line, "path \(quoted(path)) is taken by line \(before)")
        case (.directory, _): fail(line, "path \(quoted(path)) is a directory already")
        }
    }

    private mutating func file(_ path: String, _ source: String, _ line: Int) -> String {
        let file: SourceTree.File
        do throws(SourceTree.Unreadable) {
            file = try tree.read(source, Limit.embedded)
        } catch {
            fail(line, "\(quoted(source)) cannot be read: \(error.reason)")
            return ""
        }
        let mode = file.executable || file.bytes.starts(with: Array("#!".utf8)) ? "0o555" : "0o444"
        let head = "    RootFile(\(SwiftText.literal(path)), mode: \(mode), length: \(file.bytes.count)"
        if let text = SwiftText.text(file.bytes) {
            let pieces = SwiftText.pieces(text, 1 << 16).map { "\n        " + SwiftText.literal($0) }
            return head + ", text: [\(pieces.joined(separator: ","))\n    ]),\n"
        }
        // Whole groups of three bytes in each piece, so that only the last one has padding.
        let pieces = stride(from: 0, to: file.bytes.count, by: 3 << 14).map { start in
            let slice = file.bytes[start..<min(start + 3 << 14, file.bytes.count)]
            return "\n        \"\(SwiftText.base64(slice))\""
        }
        return head + ", base64: [\(pieces.joined(separator: ","))\n    ]),\n"
    }
}
