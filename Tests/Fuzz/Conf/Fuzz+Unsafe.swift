import ConfTestSupport

/// Any bytes: see `checkConf`.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzConf(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    // SAFETY: the fuzzer lends `count` bytes for the length of this call; they are copied.
    checkConf(Array(UnsafeBufferPointer(start: data, count: count)))
    return 0
}
