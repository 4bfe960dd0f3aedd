/// A weak reference for a table whose entries leave it when they end: it knows whom it is of while that one ends, too.
///
/// Under the table's lock nobody looks at `object` and lets go of it again: that may be its end, which takes the lock.
struct Weak<Object: AnyObject> {
    weak var object: Object?
    /// A number, and no ObjectIdentifier: an optional of a struct with both goes wrong in debug builds (Swift 6.3).
    private let id: UInt

    init(_ object: Object) {
        self.object = object
        id = UInt(bitPattern: ObjectIdentifier(object))
    }

    /// Whether it was made of `object`, which may be ending.
    func isOf(_ object: Object) -> Bool { id == UInt(bitPattern: ObjectIdentifier(object)) }
}
