import Kernel

/// What was read of files, for a mount that asks for it (`mount -C`): a file's beginning, as far as it was read in order.
/// It is good as long as the server gives the file the version that it had then, which each open asks for; who has it open
/// sees what it was at that time. A change made by way of the same tree forgets it at once.
final class MntCache: Sendable {
    private struct File {
        let version: UInt32
        var bytes: [UInt8] = []
        var isWhole = false
        /// When it was used last.
        var used: UInt64 = 0
    }

    private struct State {
        var files: [UInt64: File] = [:]
        var count = 0
        var clock: UInt64 = 0
    }

    private let state = Lock(State())

    /// Bytes of one file, and of all, at most.
    private static let mostOfFile = 16 << 20
    private static let most = 64 << 20

    /// Copies what is known at `offset`; 0 where that is the file's end, nil where nothing is known.
    func read(_ qid: Qid, into buffer: inout MutableRawSpan, at offset: UInt64) -> Int? {
        guard let start = Int(exactly: offset) else { return nil }
        return state.withLock { s in
            guard let file = s.files[qid.path], file.version == qid.version else { return nil }
            guard start < file.bytes.count || file.isWhole else { return nil }
            s.clock += 1
            s.files[qid.path]?.used = s.clock
            guard start < file.bytes.count else { return 0 }
            return buffer.copy(file.bytes.span.bytes.extracting(start..<file.bytes.count))
        }
    }

    /// A read at `offset` gave `bytes`; none at the file's end.
    func add(_ qid: Qid, _ bytes: RawSpan, at offset: UInt64) {
        // A server that counts no versions says 0.
        guard qid.version != 0, !qid.isDirectory, let start = Int(exactly: offset) else { return }
        state.withLock { s in
            var file = s.files.removeValue(forKey: qid.path) ?? File(version: qid.version)
            s.count -= file.bytes.count
            if file.version != qid.version { file = File(version: qid.version) }
            if start == file.bytes.count, start + bytes.byteCount <= Self.mostOfFile {
                if bytes.byteCount == 0 { file.isWhole = true } else { file.bytes += [UInt8](copying: bytes) }
            }
            s.clock += 1
            file.used = s.clock
            s.count += file.bytes.count
            while s.count > Self.most, let oldest = s.files.min(by: { $0.value.used < $1.value.used }) {
                s.files[oldest.key] = nil
                s.count -= oldest.value.bytes.count
            }
            s.files[qid.path] = file
        }
    }

    func forget(_ path: UInt64) {
        state.withLock { s in
            if let file = s.files.removeValue(forKey: path) { s.count -= file.bytes.count }
        }
    }
}
