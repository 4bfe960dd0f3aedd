import CodecTestSupport

/// Any bytes: see `checkRegex`.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzRegex(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    // SAFETY: the fuzzer lends `count` bytes for the length of this call; they are copied.
    checkRegex(Array(UnsafeBufferPointer(start: data, count: count)))
    return 0
}
