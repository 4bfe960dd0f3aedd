import Shell

/// Any bytes: no trap, no hang; what parses prints to text that parses and prints to itself.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzShell(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    // SAFETY: the fuzzer lends `count` bytes for the length of this call; they are copied.
    let text = Array(UnsafeBufferPointer(start: data, count: count))
    guard let once = try? Syntax.canonical(text, file: "fuzz") else { return 0 }
    do {
        let twice = try Syntax.canonical(Array(once.utf8), file: "printed")
        precondition(once == twice, "printed \(once) then \(twice)")
    } catch {
        preconditionFailure("printed \(once): \(error.sentence)")
    }
    return 0
}
