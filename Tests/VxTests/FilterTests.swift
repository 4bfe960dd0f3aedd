import Testing

@testable import Vx

/// The filter says of each call what the table says.
@Suite struct FilterTests {
    private static let secret: UInt64 = 0x1234_5678_9ABC_DEF0
    private static let allow: UInt32 = 0x7FFF_0000
    private static let ask: UInt32 = 0x7FC0_0000

    /// Runs the filter as the host does. Nil where it leaves its own instructions, or does what is none of seccomp's.
    private static func run(
        _ program: [UInt64], _ number: UInt32, _ arguments: [UInt64] = [], architecture: UInt32 = 0xC000_003E
    ) -> UInt32? {
        var data: [UInt32] = [number, architecture, 0, 0]
        for i in 0..<6 {
            let a = i < arguments.count ? arguments[i] : 0
            data += [UInt32(truncatingIfNeeded: a), UInt32(truncatingIfNeeded: a >> 32)]
        }
        var accumulator: UInt32 = 0
        var at = 0
        while at < program.count {
            let word = program[at]
            let k = UInt32(word >> 32)
            let (yes, no) = (Int(word >> 16 & 0xFF), Int(word >> 24 & 0xFF))
            at += 1
            switch word & 0xFFFF {
            case 0x20:
                guard k % 4 == 0, k / 4 < data.count else { return nil }
                accumulator = data[Int(k / 4)]
            case 0x15: at += accumulator == k ? yes : no
            case 0x35: at += accumulator >= k ? yes : no
            case 0x45: at += accumulator & k != 0 ? yes : no
            case 0x05: at += Int(k)
            case 0x06: return k
            default: return nil
            }
        }
        return nil
    }

    private static let program = VxFilter.plain(secret: secret).program

    @Test func itIsSmallEnoughForTheHost() {
        #expect(Self.program.count <= 4096)
    }

    @Test func everyNumberIsAnsweredAsTheTableSays() {
        let plain = VxFilter.plain(secret: Self.secret)
        for number in Int32(0)..<1024 {
            let got = Self.run(Self.program, UInt32(bitPattern: number), [0, 0xFFFF_FFF0, 0, 0, 0, 0])
            switch plain.rules[number] {
            case .allow: #expect(got == Self.allow, "\(number)")
            case nil, .ask: #expect(got == Self.ask, "\(number)")
            case .fail(let errno): #expect(got == 0x0005_0000 | UInt32(errno), "\(number)")
            default: #expect(got == Self.allow || got == Self.ask, "\(number)")
            }
        }
    }

    @Test(
        arguments: [
            ("openat", 257, [], false), ("read", 0, [], true), ("ptrace", 101, [], false),
            ("io_uring_setup", 425, [], false),
            ("openat2", 437, [], false), ("mount", 165, [], false), ("process_vm_readv", 310, [], false),
            ("pidfd_getfd", 438, [], false), ("a number of x32", 0x4000_0000, [], false),
            ("the last of x32", 0xFFFF_FFFF, [], false),
            ("ioctl TCGETS", 16, [0, 0x5401], true), ("ioctl TIOCSTI", 16, [0, 0x5412], false),
            ("ioctl FS_IOC_SETFLAGS", 16, [0, 0x4008_6602], false), ("fcntl F_SETLEASE", 72, [0, 1024], false),
            ("fcntl F_DUPFD_CLOEXEC", 72, [0, 1030], true), ("socketpair AF_UNIX", 53, [1], true),
            ("socketpair AF_INET", 53, [2], false), ("prctl PR_SET_SECCOMP", 157, [22], false),
            ("prctl PR_SET_NAME", 157, [15], true), ("fstat by newfstatat", 262, [0, 0, 0, 0x1000], true),
            ("newfstatat", 262, [0, 0, 0, 0], false), ("newfstatat without following", 262, [0, 0, 0, 0x1100], false),
            ("a thread", 56, [0x003D_0F00], false), ("a process", 56, [0x0120_0011], false),
            ("a process", 56, [0x0120_0011, 0, 0, 0, 0, secret], false),
            ("a user name space, by us", 56, [0x1000_0011, 0, 0, 0, 0, secret], false),
            ("a thread in a name space", 56, [0x003F_0F00], false), ("execveat", 322, [3, 0, 0, 0, 0x1000], false),
            ("execveat, by us", 322, [3, 0, 0, 0, 0x1000, secret], true),
            ("sendto with MSG_FASTOPEN", 44, [3, 0, 0, 0x2000_0000], false), ("sendto", 44, [3, 0, 0, 0x4000], true),
        ] as [(String, UInt32, [UInt64], Bool)])
    func argumentsInRegistersDecide(_ call: String, _ number: UInt32, _ arguments: [UInt64], _ isAllowed: Bool) {
        #expect(Self.run(Self.program, number, arguments) == (isAllowed ? Self.allow : Self.ask), "\(call)")
    }

    @Test func anotherWayIntoTheKernelKills() {
        #expect(Self.run(Self.program, 0, architecture: 0x4000_0003) == 0x8000_0000)
    }

    @Test func rulesMayStandInRulesAndJumpsGoForwardOnly() {
        var filter = VxFilter()
        let inner = VxRule.equals(argument: 5, 7, .allow, else: .fail(13))
        for number in Int32(0)..<400 {
            filter.rules[number] = number % 2 == 0 ? inner : .hasAny(argument: 0, 1, inner, else: .fail(number))
        }
        let program = filter.program
        #expect(Self.run(program, 2, [0, 0, 0, 0, 0, 7]) == Self.allow)
        #expect(Self.run(program, 2, [0, 0, 0, 0, 0, 7 | 1 << 32]) == 0x0005_000D)
        #expect(Self.run(program, 399, [1, 0, 0, 0, 0, 7]) == Self.allow)
        #expect(Self.run(program, 399, [2]) == 0x0005_018F)
        #expect(Self.run(program, 400) == Self.ask)
    }
}
