import CBench
import Kernel

/// Programs of the host inside, beside themselves outside, and beside proot, which does the like by ptrace. `micro` is
/// Tests/Programs/micro.c, compiled, in the directory where this runs.
func nativeRows(_ emu: String) -> [Row] {
    let inside = "\(emu)\n-H\n-n\n/lib/ns/host\n-c\n"
    func call(_ name: String, _ act: String, _ target: Row.Target, _ count: Int, beside other: String = "") -> Row {
        Row(name, target, count, rounds: 3) { (_, n) throws(SysError) in
            try answered(cbench_answer("\(inside)cd /n/host; ./micro \(n) . \(act)"))
        } native: {
            cbench_answer("/bin/sh\n-c\nexec \(other) ./micro \($0) . \(act)")
        }
    }
    func program(_ name: String, _ target: Row.Target, _ script: String) -> Row {
        Row("native \(name)", target, rounds: 3) { (_, n) throws(SysError) in
            try answered(cbench_command("\(inside)cd /n/host; /bin/bash -c '\(script)'", n))
        } native: {
            cbench_command("/bin/bash\n-c\n\(script)", $0)
        }
    }
    let micro: [(name: String, act: String, target: Row.Target, count: Int)] = [
        ("getpid", "getpid", .init(ratio: 1.15), 1_000_000), ("pread", "pread", .init(ratio: 1.15), 1_000_000),
        ("fstat", "fstat", .init(ratio: 1.15), 1_000_000), ("pipe", "pipe", .init(ratio: 1.15), 100_000),
        ("stat", "stat", .init(most: 12_000), 50_000), ("open, close", "open", .init(most: 12_000), 50_000),
        ("no such file", "nothing", .init(most: 12_000), 50_000),
    ]
    return micro.map { call("native \($0.name)", $0.act, $0.target, $0.count) }
        + [
            call("native stat, proot", "stat", .init(ratio: 1 / 3), 20_000, beside: "proot"),
            call("native open, proot", "open", .init(ratio: 1 / 3), 20_000, beside: "proot"),
            program("start", .init(most: 20_000_000), "true"),
            program("find", .init(ratio: 4), "find /usr/include /usr/share | wc -l"),
            program("tar", .init(ratio: 2.3), "tar cf - -C /usr include | wc -c"),
            program("200 x true", .init(ratio: 1.3), "for i in {1..200}; do /bin/true; done"),
            program(
                "gcc -c", .init(ratio: 1.3),
                "echo \"#include <stdio.h>\" > a.c; for i in {1..5}; do gcc -c a.c || exit; done"),
            program(
                "python3 imports", .init(ratio: 1.3), "/usr/bin/python3 -c \"import asyncio, email, sqlite3, unittest\""
            ),
        ]
}
