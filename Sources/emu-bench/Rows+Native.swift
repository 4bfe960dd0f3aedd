import CBench
import Kernel

/// Programs of the host inside, beside themselves outside, and beside proot and bwrap, which do the like by ptrace and by
/// mounts. `micro` is Tests/Programs/micro.c, compiled, in the directory where this runs; a repository and a database are
/// made there by the rows that use them. With `small` programs do about a tenth, and once beside others, of which proot takes
/// minutes for the whole.
func nativeRows(_ emu: String, small: Bool) -> [Row] {
    let inside = "\(emu)\n-H\n-n\n/lib/ns/host\n-c\n"
    func call(_ name: String, _ act: String, _ target: Row.Target, _ count: Int, beside other: String = "") -> Row {
        Row(name, target, count, rounds: 3) { (_, n) throws(SysError) in
            try answered(cbench_answer("\(inside)cd /n/host; ./micro \(n) . \(act)"))
        } native: {
            cbench_answer("/bin/sh\n-c\nexec \(other) ./micro \($0) . \(act)")
        }
    }
    func program(_ name: String, _ target: Row.Target, _ script: String, beside other: Peer = .host) -> Row {
        Row("native \(name)\(other.suffix)", target, rounds: small && other != .host ? 1 : 3) {
            (_, n) throws(SysError) in
            try answered(cbench_command("\(inside)cd /n/host; /bin/bash -c '\(script)'", n))
        } native: {
            cbench_command("\(other.words)/bin/bash\n-c\n\(script)", $0)
        }
    }
    let micro: [(name: String, act: String, target: Row.Target, count: Int)] = [
        ("getpid", "getpid", .init(ratio: 1.15), 1_000_000), ("pread", "pread", .init(ratio: 1.15), 1_000_000),
        ("fstat", "fstat", .init(ratio: 1.15), 1_000_000), ("pipe", "pipe", .init(ratio: 1.15), 100_000),
        ("stat", "stat", .init(most: 12_000), 50_000), ("open, close", "open", .init(most: 12_000), 50_000),
        ("no such file", "nothing", .init(most: 12_000), 50_000),
    ]
    func times(_ n: Int) -> Int { small ? max(1, n / 10) : n }
    let programs: [(name: String, ratio: Double, script: String)] = [
        ("find", 4, "find /usr/include\(small ? "" : " /usr/share") | wc -l"),
        ("tar", 2.3, "tar cf - -C /usr\(small ? "/include linux" : " include") | wc -c"),
        ("\(times(200)) x true", 1.3, "for i in {1..\(times(200))}; do /bin/true; done"),
        ("gcc -c", 1.3, "echo \"#include <stdio.h>\" > a.c; for i in {1..\(times(5))}; do gcc -c a.c || exit; done"),
        ("git status", 1.3, "\(repository); for i in {1..\(times(10))}; do git -C repository status -s || exit; done"),
        ("sqlite", 1.3, transactions(times(500))),
        ("python3 imports", 1.3, "/usr/bin/python3 -c \"import asyncio, email, sqlite3, unittest\""),
    ]
    return micro.map { call("native \($0.name)", $0.act, $0.target, $0.count) }
        + [
            call("native stat, proot", "stat", .init(ratio: 1 / 3), 20_000, beside: "proot"),
            call("native open, proot", "open", .init(ratio: 1 / 3), 20_000, beside: "proot"),
            Row("native start, over emu's own", .init(most: 8_000_000), 10, rounds: 5) { (_, n) throws(SysError) in
                let with = try answered(cbench_command("\(inside)/usr/bin/true", n))
                return max(0, with - (try answered(cbench_command("\(inside)x=1", n))))
            } native: {
                cbench_command("\(Peer.bwrap.words)/usr/bin/true", $0)
            },
        ]
        + programs.flatMap { row in
            [
                program(row.name, .init(ratio: row.ratio), row.script),
                program(row.name, .init(), row.script, beside: .proot),
                program(row.name, .init(), row.script, beside: .bwrap),
            ]
        }
}

/// Who runs the programs that ours are compared with.
private enum Peer {
    case host, proot, bwrap

    /// Behind the name of a row.
    var suffix: String { self == .host ? "" : ", \(self)" }

    /// What stands before the program, a word a line.
    var words: String {
        switch self {
        case .host: ""
        case .proot: "/usr/bin/proot\n"
        case .bwrap: "/usr/bin/bwrap\n--unshare-all\n--die-with-parent\n--bind\n/\n/\n--dev\n/dev\n--proc\n/proc\n"
        }
    }
}

/// Makes a repository of 500 files in 50 directories, where there is none yet.
private let repository =
    "[ -d repository ] || { for i in {1..50}; do mkdir -p repository/d$i; for j in {1..10}; do echo $i $j > "
    + "repository/d$i/f$j; done; done; git -C repository init -q; git -C repository add .; git -C repository -c "
    + "user.name=b -c user.email=b@b commit -qm x; }"

/// Each one is written before the next one begins, and not waited for until it is on the disk. No quotes may stand in quotes here.
private func transactions(_ count: Int) -> String {
    "rm -f b.db; /usr/bin/python3 -c \"import sqlite3, sys; d = sqlite3.connect(sys.argv[1], isolation_level=None); "
        + "d.execute(sys.argv[2]); d.execute(sys.argv[3]); [d.execute(sys.argv[4], (i, i)) for i in range(\(count))]\" b.db "
        + "\"pragma synchronous=off\" \"create table t(a, b)\" \"insert into t values(?, ?)\""
}
