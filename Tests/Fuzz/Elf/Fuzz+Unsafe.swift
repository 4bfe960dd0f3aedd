import LinuxTestSupport

/// Any bytes: see `checkElf`.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzElf(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    // SAFETY: the fuzzer lends `count` bytes for the length of this call; they are copied.
    checkElf(Array(UnsafeBufferPointer(start: data, count: count)))
    return 0
}
