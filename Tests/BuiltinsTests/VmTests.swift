import Kernel
import Testing

@Suite struct VmTests {
    @Test(.timeLimit(.minutes(1))) func whenceNamesTheServerTheRightsAndTheMounts() throws {
        let (plain, bound, deep) = try inProcess { p throws(SysError) in
            let plain = try run(p, "$Vm", "whence", "/tmp")
            try p.bind("/n", "/tmp", .before)
            try p.bind("/mnt", "/n/../chan", mask: Mask("rx"))
            return (plain, try run(p, "$Vm", "whence", "/tmp/."), try run(p, "$Vm", "whence", "/chan"))
        }
        #expect(plain == ["/tmp", "#/", "rwx"])
        #expect(bound == ["/tmp", "#/", "rwx", "bind -b /n /tmp"])
        #expect(deep == ["/chan", "#/", "rx", "bind -p rx /mnt /chan"])
    }

    @Test(.timeLimit(.minutes(1))) func theAuditListsEachWayToAServer() throws {
        let (open, shut) = try inProcess { p throws(SysError) in
            try p.bind("/n", "/tmp")
            let open = try run(p, "$Vm", "nsaudit")
            try p.bind("/mnt", "/chan", mask: Mask("r"))
            return (open, try run(p, "$Vm", "nsaudit"))
        }
        #expect(open.prefix(2) == ["rwx #/ /", "rwx #/ /tmp"])
        #expect(open.contains("rwx #| #"))
        #expect(shut == ["rwx #/ /", "rwx #/ /tmp", "r #/ /chan"])
    }

    @Test(.timeLimit(.minutes(1))) func modulesTellTheirSignatures() throws {
        let (paths, signatures) = try inProcess { p throws(SysError) in
            (try run(p, "$Vm", "modules"), try run(p, "$Vm", "signatures", "$Zip"))
        }
        #expect(paths.contains("$Vm") && paths.contains("$Sys"))
        #expect(signatures.first == "crc32: fn(data: array of byte): int")
        #expect(throws: SysError("$Nope: module not in this emu (see /dev/modules)")) {
            try inProcess { p throws(SysError) in try run(p, "$Vm", "signatures", "$Nope") }
        }
    }
}
