import NinePTestSupport

/// Any bytes: see `checkNineP`.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzNineP(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    // SAFETY: the fuzzer lends `count` bytes for the length of this call; they are copied.
    checkNineP(Array(UnsafeBufferPointer(start: data, count: count)))
    return 0
}
