/// All that the engine knows of x86-64: the numbers of calls, and where a stopped thread's registers are.
enum VxMachine {
    /// AUDIT_ARCH_X86_64: other ways into the kernel (int 0x80) have another.
    static let architecture: UInt32 = 0xC000_003E
    /// EM_X86_64, as an ELF header has it.
    static let elf: UInt16 = 62
    /// Bytes of the instruction that makes a call.
    static let callSize: UInt64 = 2

    // Calls that the engine itself makes or completes.
    static let close: UInt64 = 3
    static let sigaction: Int32 = 13
    static let mmap: UInt64 = 9
    static let clone: Int32 = 56
    static let fork: Int32 = 57
    static let vfork: Int32 = 58
    static let setAffinity: Int32 = 203
    static let getAffinity: Int32 = 204
    static let execve: Int32 = 59
    static let exit: Int32 = 60
    static let execveat: Int32 = 322

    /// Calls that the host does unseen. What they refer to is a descriptor that we gave, or the program's own memory,
    /// threads, signals and timers; the name spaces bound the rest.
    static let allowed: [Int32] = [
        0, 1, 3, 5, 7, 8, 9, 10, 11, 12, 14, 15, 17, 18, 19, 20, 22, 23, 24, 25, 26, 27, 28, 32, 33, 34, 35, 36, 37,
        38, 39, 40, 43, 45, 47, 48, 51, 52, 55, 61, 62, 73, 74, 75, 77, 96, 97, 98, 100, 102, 104, 105, 106, 107, 108,
        109, 110, 111, 112, 113, 114, 115, 116, 117, 118, 119, 120, 121, 122, 123, 124, 125, 126, 127, 128, 129, 130,
        131, 140, 141, 142, 143, 144, 145, 146, 147, 148, 149, 150, 151, 152, 158, 160, 186, 187, 200, 201, 202,
        213, 218, 219, 221, 222, 223, 224, 225, 226, 228, 229, 230, 231, 232, 233, 234, 247, 270, 271, 273, 274,
        277, 281, 282, 283, 284, 285, 286, 287, 288, 289, 290, 291, 292, 293, 295, 296, 297, 299, 302, 306, 309, 318,
        319, 324, 325,
        326, 327, 328, 334, 424, 434, 436, 441,
    ]

    /// Calls that the host does where an argument, which is in a register and stays as it is, is one of these.
    static let allowedWhen: [(number: Int32, argument: Int, values: [UInt32])] = [
        // ioctl: terminals, how much there is to read, flags of the descriptor. Never TIOCSTI, which types for others.
        (
            16, 1,
            [
                0x5401, 0x5402, 0x5403, 0x5404, 0x5405, 0x5406, 0x5407, 0x5408, 0x5409, 0x540A, 0x540B, 0x540E, 0x540F,
                0x5410, 0x5411, 0x5413, 0x5414, 0x541B, 0x5421, 0x5422, 0x5425, 0x5429, 0x5450, 0x5451, 0x802C_542A,
            ]
        ),
        // socketpair of AF_UNIX.
        (53, 0, [1]),
        // fcntl: all but leases and news of directories, which keep others waiting.
        (72, 1, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 36, 37, 38, 1029, 1030, 1031, 1032, 1033, 1034]),
        // personality: what it is.
        (135, 0, [0, 0xFFFF_FFFF]),
        // prctl: names, death signals, timer slack, subreapers.
        (157, 0, [1, 2, 3, 4, 7, 15, 16, 23, 29, 30, 36, 37, 38, 39, 40, 41, 42, 0x5356_4D41]),
        // newfstatat of a descriptor.
        (262, 3, [0x1000]),
    ]

    static let socket: Int32 = 41
    static let sendto: Int32 = 44

    /// sendmsg and sendmmsg with MSG_FASTOPEN would connect a socket that we gave to somebody else.
    static let fastOpen: [(number: Int32, argument: Int)] = [(46, 2), (307, 3)]

    static let setsockopt: Int32 = 54
    /// Options of sockets, by level, that change how what is sent goes, and not where to. (Source routes are among the others.)
    static let socketOptions: [(level: UInt32, names: [UInt32])] = [
        // SOL_SOCKET, without filters, marks and devices.
        (1, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 14, 15, 16, 18, 19, 20, 21, 29, 34, 35, 37, 42, 63, 64, 66, 67]),
        // IPPROTO_IP: type of service, hops, and what is told with a packet.
        (0, [1, 2, 6, 8, 10, 11, 12, 13, 24]),
        // IPPROTO_TCP: pushing, timers, what one waits for.
        (6, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 18, 25]),
        // IPPROTO_IPV6: the same.
        (41, [16, 23, 24, 25, 26, 49, 51, 66, 67]),
    ]

    /// What a call is told that the host would do, and we do not let it; ENOSYS for all that is not listed.
    static let refusals: [Int32: Int32] = [
        16: 25, 44: 95, 46: 95, 53: 97, 54: 92, 56: 1, 72: 22, 135: 1, 157: 22, 307: 95,
    ]

    /// clone3 is what every C library tries first; without a word of it.
    static let absent: [Int32] = [435]
    /// sync of all that the host has.
    static let ignored: [Int32] = [162]

    // Words of the registers of a stopped thread (NT_PRSTATUS).
    static let registerCount = 27
    private enum Register {
        static let r10 = 7, r9 = 8, r8 = 9, rax = 10, rdx = 12, rsi = 13, rdi = 14, orig = 15, rip = 16
    }

    /// What a call has given.
    static func result(_ r: [UInt64]) -> Int64 { Int64(bitPattern: r[Register.rax]) }
    static func setResult(_ r: inout [UInt64], _ value: Int64) {
        r[Register.rax] = UInt64(bitPattern: value)
        r[Register.orig] = .max
    }

    /// The call that it is leaving, where a signal has ended this before anything was done (ERESTARTSYS).
    static func interruptedCall(_ r: [UInt64]) -> (number: Int32, arguments: InlineArray<6, UInt64>)? {
        guard result(r) == -512, Int64(bitPattern: r[Register.orig]) >= 0 else { return nil }
        return (
            Int32(truncatingIfNeeded: r[Register.orig]),
            [r[Register.rdi], r[Register.rsi], r[Register.rdx], r[Register.r10], r[Register.r8], r[Register.r9]]
        )
    }

    /// `r` of a thread that has just left a call, made so that it makes another one in its place.
    static func call(_ r: [UInt64], _ number: UInt64, _ arguments: InlineArray<6, UInt64>) -> [UInt64] {
        var r = r
        r[Register.rip] &-= callSize
        r[Register.rax] = number
        r[Register.orig] = .max
        r[Register.rdi] = arguments[0]
        r[Register.rsi] = arguments[1]
        r[Register.rdx] = arguments[2]
        r[Register.r10] = arguments[3]
        r[Register.r8] = arguments[4]
        r[Register.r9] = arguments[5]
        return r
    }
}
