import Kernel

/// Messages that move data: read and write. A directory is read in whole entries.
extension ExportSession {
    /// The corresponding Plan 9 page is `read(5)`. The device puts its bytes where the reply has them.
    func read(
        _ file: ExportFile, _ fid: UInt32, _ offset: UInt64, _ count: UInt32, _ call: ExportCall,
        _ out: inout FrameWriter
    ) throws(SysError) {
        let open = try file.opened()
        guard let mode = open.mode, mode.canRead else { throw .badUseOfFid }
        guard !open.isDirectory else {
            guard out.dialect == .plan9 else { throw .isDir }
            return try readDirectory(file, open, fid, offset, count, call, &out)
        }
        if call.isReaders, isLong(fid), try passOn(file, open, fid, offset, count, call, &out) { return }
        let n = try out.appendRead(tag: call.tag, most: count) { (room) throws(SysError) in
            // No file is so long, and one that is none has no offsets.
            if room.byteCount == 0 || offset > Self.lastOffset && open.dev.seekable(open) { return 0 }
            return try file.tree.read(open, into: &room, at: offset, call.how)
        }
        if call.isReaders { setLong(fid, n >= Self.leastPassedOn) }
    }

    /// Reads as many bytes as are not worth copying into the conduit, and tells of them. What comes before the first whole page
    /// is copied, so that the others find room. The conduit has its bytes before that: no count is given that is not there.
    private func passOn(
        _ file: ExportFile, _ open: Chan, _ fid: UInt32, _ offset: UInt64, _ count: UInt32, _ call: ExportCall,
        _ out: inout FrameWriter
    ) throws(SysError) -> Bool {
        let count = min(Int(count), out.msize - Wire.readHeader)
        guard count >= Self.leastPassedOn, offset <= Self.lastOffset - UInt64(count), let conduit = conduit() else {
            return false
        }
        let first = (Conduit.page - Int(offset % UInt64(Conduit.page))) % Conduit.page
        do throws(SysError) {
            guard conduit.hasRoom(for: count - first),
                try file.tree.fill(conduit, from: open, at: offset + UInt64(first), count - first, call.how)
            else { return false }
            guard conduit.held > 0 else { return false }
            let n = try out.appendRead(tag: call.tag, first: first, more: conduit.held) { (room) throws(SysError) in
                room.byteCount == 0 ? 0 : try file.tree.read(open, into: &room, at: offset, call.how)
            }
            if n < first { try conduit.clear() }
            setLong(fid, n == first && first + conduit.held >= Self.leastPassedOn)
        } catch {
            // What is wrong is told by a read; a conduit that cannot be emptied is none any more.
            dropConduit()
            return false
        }
        return true
    }

    /// Fewer are copied sooner than passed on.
    private static let leastPassedOn = 32 * 1024

    /// Offsets are signed where the data are kept.
    private static let lastOffset = UInt64(Int64.max)

    /// The corresponding Plan 9 page is `read(5)`. Fewer bytes are taken only where the next would fail.
    func write(
        _ file: ExportFile, _ offset: UInt64, _ count: UInt32, _ frame: Span<UInt8>, _ call: inout ExportCall,
        _ out: inout FrameWriter
    ) throws(SysError) {
        let open = try file.opened()
        guard let mode = open.mode, mode.canWrite else { throw .badUseOfFid }
        let data = frame.extracting(Wire.writeHeader..<Wire.writeHeader + Int(count)).bytes
        if open.dev.seekable(open), data.byteCount > 0 {
            let (end, overflow) = offset.addingReportingOverflow(UInt64(count))
            guard !overflow, end <= Self.lastOffset else { throw .fileTooBig }
        }
        do throws(SysError) {
            repeat {
                let n = try file.tree.write(
                    open, data.extracting(call.done..<data.byteCount), at: offset &+ UInt64(call.done), call.how)
                call.done += n
                if n == 0 { break }
            } while call.done < data.byteCount
        } catch {
            if call.done == 0 || error.code == .wouldBlock { throw error }
        }
        reply(.write(count: UInt32(call.done)), call.tag, &out)
    }

    /// Whole entries as they fit, each as `stat` tells of it. Offset 0 begins anew; any other must be where the last
    /// read ended.
    private func readDirectory(
        _ file: ExportFile, _ open: Chan, _ fid: UInt32, _ offset: UInt64, _ count: UInt32, _ call: ExportCall,
        _ out: inout FrameWriter
    ) throws(SysError) {
        try withListing(of: fid, call) { (kept) throws(SysError) in
            if offset == 0 { kept = ExportListing(try file.tree.entries(of: open, call.how)) }
            guard var listing = kept, listing.offset == offset else { throw .badOffset }
            let n = try out.appendRead(tag: call.tag, most: count) { (room) throws(SysError) in
                var end = 0
                var isFull = false
                while !isFull, let (entry, _) = try listing.next(file.tree, call.how) {
                    isFull = !Stat(try plan9(entry, in: file, call.how)).pack(into: &room, at: &end)
                    if !isFull { listing.pending.removeFirst() }
                }
                guard end > 0 || !isFull else { throw .countTooSmall }
                return end
            }
            listing.offset += UInt64(n)
            kept = listing
        }
    }

    /// Runs `body` with the place up to which the directory of `fid` was read; what it leaves there is kept.
    func withListing(
        of fid: UInt32, _ call: ExportCall, _ body: (inout ExportListing?) throws(SysError) -> Void
    ) throws(SysError) {
        guard let known = state.withLock({ $0.epoch == call.epoch ? $0.fids[fid] : nil }) else { throw .fidUnknown }
        // The device is called without the lock; no other request uses it meanwhile.
        var listing = known.listing.withLock { $0.take() }
        defer { known.listing.withLock { $0 = listing } }
        try body(&listing)
    }
}
