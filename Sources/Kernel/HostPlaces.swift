import Host

/// Files in the host's memory that stand empty until a file of ours is lent, so that a program of the host which looks at
/// its name first (`lstat`) and at the descriptor then (`fstat`) finds one and the same.
///
/// Few are kept: a program looks just before it opens. Those that stood for longest go first.
public final class HostPlaces: Sendable {
    public static let shared = HostPlaces()

    private final class Place: Sendable {
        let key: MountKey
        let identity: HostIdentity
        let file: Lock<HostMemoryFile?>

        init(_ key: MountKey, _ file: consuming HostMemoryFile) throws(SysError) {
            self.key = key
            identity = HostIdentity(try HostStat(file.number))
            self.file = Lock(file)
        }

        func take() -> HostMemoryFile? { file.withLock { $0.take() } }
    }

    /// How many stand at once.
    public static let limit = 128

    /// Oldest first.
    private let places = Lock([Place]())

    /// What the file of `c` will be known by. `sealable`: as of `HostMemoryFile`.
    public func identity(of c: Chan, sealable: Bool) throws(SysError) -> HostIdentity {
        let key = c.key
        if let known = places.withLock({ $0.first { $0.key == key } }) { return known.identity }
        let made = try Place(key, HostMemoryFile(sealable: sealable))
        // Whoever goes is closed outside of the lock.
        let (kept, gone) = places.withLock { places -> (Place, Place?) in
            if let known = places.first(where: { $0.key == key }) { return (known, nil) }
            places.append(made)
            return (made, places.count > Self.limit ? places.removeFirst() : nil)
        }
        return withExtendedLifetime(gone) { kept.identity }
    }

    /// An empty file, the caller's from then on: the one that stands for the file of `c`, where one does.
    public func file(for c: Chan, sealable: Bool) throws(SysError) -> HostMemoryFile {
        let key = c.key
        let place = places.withLock { places -> Place? in
            places.firstIndex { $0.key == key }.map { places.remove(at: $0) }
        }
        if let known = place?.take() { return known }
        return try HostMemoryFile(sealable: sealable)
    }
}
