import Host
import Kernel
import KernelTestSupport
import Testing

/// Processes whose program the host runs.
@Suite struct RunnerTests {
    /// Writes down what it is told; posts a kill as the end of the process.
    private final class Recorder: Runner {
        let told = Lock([String]())

        func post(_ note: Note) -> Bool {
            told.withLock { $0.append("note \(note.signal)") }
            return note.signal != 0
        }
        func kill() { told.withLock { $0.append("kill") } }
        func stop() { told.withLock { $0.append("stop") } }
        func resume() { told.withLock { $0.append("resume") } }
    }

    @Test(.timeLimit(.minutes(1))) func whatIsSentToTheProcessGoesToItsRunner() throws {
        let told = try inSystem([MemDev()]) { (p) throws(SysError) -> [String] in
            let child = try p.makeChild(.forkFD)
            let runner = Recorder()
            #expect(!child.handlesNotes)
            child.setRunner(runner)
            // So that a shell does not take an interrupt for its own that the program has dealt with.
            #expect(child.handlesNotes)
            #expect(child.post(.interrupt))
            #expect(!child.post(Note("a text that is no signal")))
            child.stop()
            child.stop()
            #expect(child.life == .stopped)
            child.resume()
            child.kill()
            child.finish("killed")
            #expect(p.system.proc(child.pid) == nil)
            return runner.told.withLock { $0 }
        }
        #expect(told == ["note 2", "note 0", "stop", "resume", "kill"])
    }

    @Test(.timeLimit(.minutes(1))) func oneThatWasKilledBeforeIsKilledWhenItGetsARunner() throws {
        let told = try inSystem([MemDev()]) { (p) throws(SysError) -> [String] in
            let child = try p.makeChild(.forkFD)
            child.kill()
            let runner = Recorder()
            child.setRunner(runner)
            child.finish("killed")
            return runner.told.withLock { $0 }
        }
        #expect(told == ["kill"])
    }

    @Test(.timeLimit(.minutes(1))) func itsRecordIsForAParentOfOursOnly() throws {
        try inSystem([MemDev()]) { (p) throws(SysError) in
            let first = try p.makeChild(.forkFD)
            first.setRunner(Recorder())
            let second = try first.makeChild(.forkFD)
            second.setRunner(Recorder())
            second.finish("3")
            #expect(code { () throws(SysError) in _ = try first.takeEnded(.any, .try) } == .noChild)
            first.finish("4")
            #expect(try p.wait(.pid(first.pid)).status == "4")
        }
    }
}
