import Host
import Synchronization
import Testing

@testable import Kernel

/// No sequence of calls reaches a file, or a right to it, that was not there before: the guarantee of masks.
@Suite struct MaskTests {
    /// `EMU_MASK_SEQUENCES` sets how many sequences run; `make soak` asks for a million.
    private static let sequences = HostEnvironment.variable("EMU_MASK_SEQUENCES").flatMap { Int($0) } ?? 1200
    private static let workers = 4

    @Test(.timeLimit(.minutes(60))) func noSequenceOfCallsWidensWhatAProcessReaches() throws {
        if Self.sequences > 10_000 { throwWithoutBacktraces() }
        let failures = Lock([String]())
        let left = Atomic<Int>(Self.workers)
        let done = Parker()
        for worker in 0..<Self.workers {
            let started = HostThread.start {
                do {
                    let (system, first) = try World.boot()
                    // One is enough: the first that is found ends all.
                    for n in 0..<Self.sequences / Self.workers where failures.withLock({ $0.isEmpty }) {
                        let seed = UInt64(worker * 1_000_000_000 + n)
                        let world = try World(system, first, seed: seed)
                        if let wrong = try world.run(12) {
                            failures.withLock { $0.append("seed \(seed): \(wrong)") }
                        }
                        try world.end(first)
                    }
                } catch {
                    failures.withLock { $0.append("\(error)") }
                }
                if left.subtract(1, ordering: .acquiringAndReleasing).newValue == 0 { done.unpark() }
            }
            #expect(started)
        }
        _ = done.park()
        #expect(failures.withLock { $0 } == [])
    }
}
