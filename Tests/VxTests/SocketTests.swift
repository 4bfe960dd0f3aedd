import Glibc
import Host
import Kernel
import Testing

@testable import Vx

/// What programs do with sockets: `Tests/Programs/sockets.c`.
@Suite(.serialized) struct SocketTests {
    private func sockets(
        _ words: String..., network: Mask? = nil, beside: (Folder) throws -> Void = { _ in }
    ) throws -> [String] {
        let ran = try inCell("sockets.c", words, beside: beside) { (p) throws(SysError) in
            try p.bind("#Rram", "/ram", .create)
            if let network { try p.bind("#I", "/net", .replace, mask: network) }
        }
        #expect(ran.status == "")
        return ran.lines
    }

    @Test(.timeLimit(.minutes(1)), arguments: ["/rw", "/ram"])
    func localSocketsAreFilesOfTheNameSpace(directory: String) throws {
        let lines = try sockets("paths", directory)
        let socket = "local(SOCK_STREAM)"
        #expect(
            lines == [
                #"bind_path(server, "deep/../deep/./s") ok"#, "mode 140757",
                #"connect_path(client, "deep/s") ECONNREFUSED"#, "listen(server, 3) ok",
                #"connect_path(client, "deep/s") ok"#, "unnamed 1", #"write(client, "x", 1) ok"#, "read 1",
                "peer deep/../deep/./s", #"bind_path(other, "deep/s") EADDRINUSE"#,
                #"bind_path(server, "twice") EINVAL"#, #"bind_path(other, "missing/s") ENOENT"#,
                #"open("deep/s", O_RDONLY) ENXIO"#, #"connect_path(other, "moved") ok"#, #"unlink("moved") ok"#,
                #"connect_path(\#(socket), "moved") ENOENT"#, #"bind_path(first, "d1") ok"#,
                #"bind_path(second, "d2") ok"#,
                #"sendto(first, "gram", 4, 0, (struct sockaddr *)&a, sizeof a) ok"#, "datagram 4 from d1",
                #"connect_path(\#(socket), "d2") EPROTOTYPE"#, "bind_path(local(SOCK_SEQPACKET), long_name) ok",
                #"connect_path(\#(socket), "/in/file") ECONNREFUSED"#,
                #"bind_path(\#(socket), "/in/new") EACCES"#, #"bind_path(\#(socket), "/attack/new") ENOTDIR"#,
                #"mknod("made", S_IFSOCK | 0777, 0) ok"#, #"connect_path(\#(socket), "made") ECONNREFUSED"#,
            ])
    }

    /// Neither a socket file of a host program in a directory that was lent, nor a name that no file has.
    @Test(.timeLimit(.minutes(1))) func whatTheHostHasBoundIsNotThere() throws {
        let name = "emu-test-\(getpid())"
        var servers: [GuestSocket] = []
        let lines = try sockets("outside", name) { folder in
            for address in [GuestAddress.unix("\(folder.path)/rw/host"), [1, 0, 0] + Array(name.utf8)] {
                let server = try GuestSocket(.unix, .stream, waits: true)
                #expect(server.bind(address) == 0)
                #expect(server.listen(3) == 0)
                servers.append(server)
            }
            chmod("\(folder.path)/rw/host", 0o777)
        }
        withExtendedLifetime(servers) {}
        #expect(
            lines.map { $0.split(separator: " ").last ?? "" } == ["ECONNREFUSED", "ECONNREFUSED", "ok", "ok", "ok"])
    }

    @Test(.timeLimit(.minutes(1))) func whoHasTheNetworkHasLoopback() throws {
        let lines = try sockets("internet", network: .all)
        let here = "socket(AF_INET, SOCK_STREAM, 0)"
        let far = "(struct sockaddr *)&away, sizeof away"
        #expect(
            lines == [
                "socket ok", "flags 1 1", #"with_inet(bind, server, "192.0.2.1", 0) EACCES"#,
                #"with_inet(bind, server, "0.0.0.0", 0) ok"#, "at 127.0.0.1", "listen(server, 3) ok",
                #"with_inet(connect, client, "127.0.0.1", port) ok"#, #"send(client, "x", 1, 0) ok"#, "read 1",
                #"with_inet(connect, \#(here), "0.0.0.0", port) ok"#,
                #"with_inet(connect, \#(here), "192.0.2.1", 80) EACCES"#,
                #"sendto(\#(here), "x", 1, MSG_FASTOPEN, \#(far)) EOPNOTSUPP"#,
                "connect(socket(AF_INET6, SOCK_STREAM, 0), (struct sockaddr *)&mapped, sizeof mapped) EACCES",
                "listen(nowhere, 1) ok", "at 127.0.0.1", #"with_inet(connect, \#(here), "127.0.0.1", port) ok"#,
                #"with_inet(connect, vain, "127.0.0.1", 9) ECONNREFUSED"#, "listen(vain, 1) ok", "at 127.0.0.1",
                "setsockopt(fresh, IPPROTO_IP, IP_OPTIONS, route, sizeof route) ENOPROTOOPT",
                #"setsockopt(fresh, SOL_SOCKET, SO_BINDTODEVICE, "lo", 2) ENOPROTOOPT"#,
                "setsockopt(fresh, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) ok",
                "setsockopt(fresh, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) ok",
                #"with_inet(bind, near, "127.0.0.1", 0) ok"#,
                #"sendto(far, "x", 1, 0, (struct sockaddr *)&to, sizeof to) ok"#, "recv(near, &byte, 1, 0) ok",
                #"sendto(far, "x", 1, 0, \#(far)) ENETUNREACH"#, "socket(AF_INET, SOCK_RAW, 1) EPERM",
                "socket(AF_NETLINK, SOCK_RAW, 0) EAFNOSUPPORT", "connect(far, (struct sockaddr *)8, sizeof to) EFAULT",
                "connect(far, (struct sockaddr *)&to, 4096) EINVAL",
                "connect(0, (struct sockaddr *)&to, sizeof to) ENOTSOCK",
                "connect(99, (struct sockaddr *)&to, sizeof to) EBADF",
            ])
    }

    @Test(
        .timeLimit(.minutes(1)),
        arguments: [(nil, "socket EAFNOSUPPORT"), (.read, "socket EACCES")] as [(Mask?, String)])
    func whoHasNoNetworkHasNone(network: Mask?, said: String) throws {
        #expect(try sockets("internet", network: network) == [said])
    }

    @Test(.timeLimit(.minutes(1))) func anAddressIsReadOnce() throws {
        #expect(try sockets("race", network: .all) == ["beyond 0"])
    }

    @Test(.timeLimit(.minutes(1))) func aCallThatWaitsKeepsNobodyElseWaiting() throws {
        #expect(
            try sockets("waiting") == [
                "full EAGAIN", "waitpid(child, &status, 0) == child && WIFSIGNALED(status) ? 0 : -1 ok",
                #"connect_path(local(SOCK_STREAM), "/rw/full") ok"#,
            ])
    }
}
