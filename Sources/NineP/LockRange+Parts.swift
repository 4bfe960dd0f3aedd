extension Range<UInt64> {
    /// What of it is not in `other`: none, one or two ranges.
    public func outside(_ other: Range<UInt64>) -> [Range<UInt64>] {
        guard overlaps(other) else { return [self] }
        return [
            lowerBound..<Swift.max(lowerBound, other.lowerBound), Swift.min(upperBound, other.upperBound)..<upperBound,
        ].filter { !$0.isEmpty }
    }
}

extension LockRange {
    /// From the first byte to the one behind the last; to `.max` where the length is 0, or too much.
    public var range: Range<UInt64> {
        let (end, overflow) = start.addingReportingOverflow(length)
        return start..<(overflow || length == 0 ? .max : end)
    }
}
