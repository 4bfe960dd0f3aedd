import Fuse

/// Any bytes are a request or none; what a write says it carries is within them.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzFuse(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    // SAFETY: the fuzzer lends `count` bytes for the length of this call; they are copied.
    let bytes = Array(UnsafeBufferPointer(start: data, count: count))
    guard let request = try? FuseRequest(bytes.span.bytes) else { return 0 }  // it was none
    if case .write(_, _, let data, _) = request.body { precondition(data.lowerBound >= 80 && data.upperBound <= count) }
    return 0
}
