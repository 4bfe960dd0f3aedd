import ConfTestSupport

/// Any bytes: see `checkInterface`.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzInterface(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    // SAFETY: the fuzzer lends `count` bytes for the length of this call; they are copied.
    checkInterface(Array(UnsafeBufferPointer(start: data, count: count)))
    return 0
}
