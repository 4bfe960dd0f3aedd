import MntTestSupport

/// Any bytes: see `checkClient`.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzClient(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    // SAFETY: the fuzzer lends `count` bytes for the length of this call; they are copied.
    checkClient(Array(UnsafeBufferPointer(start: data, count: count)))
    return 0
}
