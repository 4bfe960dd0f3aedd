import Kernel

/// A device of one file, for the registry test.
final class DevHello: Dev {
    let letter: Character = "H"
    let name = "hello"
    let instance = Instance.new()

    func table(of directory: Qid) -> [Dirtab] { [Dirtab("hello", Qid(path: 1), mode: 0o444)] }

    func read(
        _ c: Chan, into buffer: inout MutableRawSpan, at offset: UInt64, _ caller: Caller, _ how: How
    ) throws(SysError) -> Int {
        read(text: "a device of one file\n", into: &buffer, at: offset)
    }
}
