import Kernel

/// Bytes on their way from one descriptor to another.
public struct Flow {
    /// To a program or a peer, which takes what it can and may want no more; `to` is closed at the end.
    public let isInput: Bool
    public private(set) var isDone = false
    private let from: Int32
    private let to: Int32
    private var block = [UInt8](repeating: 0, count: 64 * 1024)
    /// The part of `block` that was read and not yet written.
    private var rest = 0..<0

    public init(from: Int32, to: Int32, isInput: Bool = false) {
        self.from = from
        self.to = to
        self.isInput = isInput
    }

    /// What it waits for.
    public var wish: Proc.Poll { rest.isEmpty ? Proc.Poll(from, .read) : Proc.Poll(to, .write) }

    /// Goes one step on; false where there is none now. A call that is interrupted has moved nothing.
    @discardableResult
    public mutating func move(_ p: Proc) throws(SysError) -> Bool {
        guard !isDone else { return false }
        do throws(SysError) {
            if rest.isEmpty {
                rest = 0..<(try p.fill(&block, 0..<block.count, from: from, .try))
                if rest.isEmpty { try end(p) }
            } else {
                let n = try p.write(to, block.span.extracting(rest).bytes, isInput ? .try : .wait)
                rest = rest.lowerBound + n..<rest.upperBound
            }
            return true
        } catch {
            switch error.code {
            case .wouldBlock: return false
            case .closedPipe where isInput, .hungup where isInput:
                try end(p)
                return false
            default: throw error
            }
        }
    }

    /// Nothing more will come; whoever reads is told so.
    private mutating func end(_ p: Proc) throws(SysError) {
        isDone = true
        if isInput { try p.close(to) }
    }
}
