/// A file's name as a key: two names are one where their bytes are, not where they look alike (Swift takes `é` and `e`
/// with an accent for the same text; files do not).
struct NameKey: Hashable {
    let name: String

    init(_ name: String) { self.name = name }

    static func == (a: Self, b: Self) -> Bool { a.name == b.name && a.name.utf8.elementsEqual(b.name.utf8) }
}
