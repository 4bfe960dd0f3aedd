import CBench
import Host
import Kernel
import NineP

/// The codec alone: a request is read into its fields and written again, as at one end and at the other. The C beside it
/// does the same by hand.
let codecRows: [Row] = [
    codec("9P Tstat, read and written", .stat(fid: 3), .init(most: 100)),
    codec("9P Tread, read and written", .read(fid: 3, offset: 1 << 40, count: 8192), .init(most: 100)),
    codec("9P Twalk of 2, read and written", .walk(fid: 1, newfid: 2, names: ["usr", "glenda"]), .init(most: 400)),
]

private func codec(_ name: String, _ message: Tmessage, _ target: Row.Target) -> Row {
    Row(name, target, 1_000_000) { (_, n) throws(SysError) in
        let frame = try frame(of: message)
        var writer = FrameWriter()
        return try timed { () throws(SysError) in
            do throws(Malformed) {
                for _ in 0..<n {
                    writer.removeAll()
                    let (tag, message) = try Tmessage.decode(frame.span, .plan9)
                    try writer.append(message, tag: tag)
                }
            } catch { throw SysError("\(error)") }
        }
    } native: { n in
        guard let frame = try? frame(of: message) else { return -1 }  // ours has failed before and said why
        return cbench_message(frame, n)
    }
}

private func frame(of message: Tmessage) throws(SysError) -> [UInt8] {
    var writer = FrameWriter()
    do throws(Malformed) { try writer.append(message, tag: 1) } catch { throw SysError("\(error)") }
    return Array(writer.buffer[..<writer.count])
}
