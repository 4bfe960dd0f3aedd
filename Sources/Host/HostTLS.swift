import CSSL
import Synchronization

/// A conversation in TLS 1.3 over a connected socket: what is read and written here is plain, what the socket carries is not.
///
/// The library sees bytes in memory only; the socket is read and written by us, so that every wait is the caller's `wait`.
/// A peer is known by the key of its certificate, which it has proved to have. The end of what it says is told: a
/// connection that ends without that was cut, which is an error. `state` guards all; nothing waits with it held.
public final class HostTLS: HostFlow {
    /// Whom a client is ready to talk to.
    public enum Expected: Sendable {
        case anybody
        /// Whoever has one of these keys, whatever else its certificate says.
        case keys([String])
        /// Whoever has a certificate of this host name or address from an authority that the host trusts.
        case host(String)
    }

    private let socket: HostSocket
    private let state: Lock<TLSState>

    /// The side that calls; `key` says who it is, to a server that asks. Not yet connected: see `handshake`.
    public init(client socket: HostSocket, _ key: HostKey?, _ expected: Expected) throws(SysError) {
        self.socket = socket
        state = Lock(try TLSState(TLSContext.client, socket, key, expected))
    }

    /// The side that is called. It asks who calls, and takes whoever does: see `peer`.
    public init(server socket: HostSocket, _ key: HostKey) throws(SysError) {
        self.socket = socket
        state = Lock(try TLSState(TLSContext.server, socket, key, .anybody))
    }

    /// The peer's key; empty where it has shown none, or not yet.
    public var peer: String { state.withLock { $0.judge.seen } }

    private func run<T>(
        _ wait: HostWait, _ body: (inout TLSState) throws(SysError) -> TLSStep<T>
    ) throws(SysError) -> T {
        while true {
            switch try state.withLock({ (s) throws(SysError) in try body(&s) }) {
            case .done(let result): return result
            case .wait(let events): try wait(socket.stream.number, events)
            }
        }
    }

    /// Agrees with the peer, and finds out who it is. What `wait` throws leaves it to be gone on with. Throws `.refused` where
    /// the peer is not whom it should be, with its key.
    public func handshake(_ wait: HostWait) throws(SysError) {
        try run(wait) { (s) throws(SysError) in try s.handshake() }
    }

    /// Bytes read, 0 at the end that the peer has told. Throws `.hungup` where it was not told.
    public func read(into buffer: inout MutableRawSpan, _ wait: HostWait) throws(SysError) -> Int {
        guard buffer.byteCount > 0 else { return 0 }
        return try run(wait) { (s) throws(SysError) in try s.read(into: &buffer) }
    }

    /// Writes all of `bytes`; gives fewer where `wait` throws in between. What it gives will be sent.
    public func write(_ bytes: RawSpan, _ wait: HostWait) throws(SysError) -> Int {
        var done = 0
        do throws(SysError) {
            repeat {
                try run(wait) { (s) throws(SysError) in try s.room() }
                let part = bytes.extracting(done..<min(done + TLSState.record, bytes.byteCount))
                try state.withLock { (s) throws(SysError) in try s.write(part) }
                done += part.byteCount
            } while done < bytes.byteCount
            try run(wait) { (s) throws(SysError) in try s.room() }
        } catch {
            guard done > 0, error.code == .interrupted || error.code == .wouldBlock else { throw error }
            flushLater()
        }
        return done
    }

    /// Which of `events` are there now; has `wake` called when one may have come that is not.
    public func poll(_ events: HostEvents, _ wake: (@Sendable () -> Void)?) -> HostEvents {
        if let wake {
            state.withLock { $0.wake = wake }
            // Watched before it is asked, so that what comes in between wakes.
            HostWatch.shared.once(socket.stream.number, events) { self.moved() }
        }
        return state.withLock { $0.ready(events) }
    }

    /// Something has come or can go.
    private func moved() {
        let (isFlushed, wake) = state.withLock { s in (s.flush(), s.wake.take()) }
        if !isFlushed { flushLater() }
        wake?()
    }

    /// What is to be sent is sent when it can be; this is kept until then.
    private func flushLater() { HostWatch.shared.once(socket.stream.number, .writable) { self.moved() } }

    /// Tells the end of what is written; the peer may go on.
    public func finish() { if !state.withLock({ $0.finish() }) { flushLater() } }

    /// Ends both directions: whoever waits here is woken, and reads the end.
    public func hangUp() {
        state.withLock { s in
            s.isHungUp = true
            _ = s.finish()
        }
        socket.shutdown()
    }

    /// Nobody reads or writes here any more. What was written is sent, by a peer that still takes some of it.
    public func close() {
        let isFlushed = state.withLock { s in
            s.wake = nil
            defer { s.discardInput() }
            return s.finish()
        }
        guard !isFlushed else { return }
        socket.giveUp(after: Self.patience)
        flushLater()
    }

    /// How long a peer may take nothing of what is left, milliseconds.
    private static let patience: Int32 = 60_000
}

/// What a step of a conversation has come to.
private enum TLSStep<T> {
    case done(T)
    /// It is to be taken again when one of these is there.
    case wait(HostEvents)
}

/// Whom a conversation is for, and whom it was with. The library calls it during a step, so the conversation's lock guards it.
private final class TLSJudge: @unchecked Sendable {
    let expected: HostTLS.Expected
    var seen = ""
    var refusal: SysError?

    init(_ expected: HostTLS.Expected) { self.expected = expected }

    /// Whether the peer with this chain of certificates may go on.
    func accepts(_ chain: OpaquePointer) -> Bool {
        guard let certificate = X509_STORE_CTX_get0_cert(chain) else { return false }
        seen = HostKey.word(of: certificate)
        switch expected {
        case .anybody: return true
        case .keys(let words):
            if words.contains(seen) { return true }
            refusal = SysError(.refused, saying: "key is not the one that was expected: \(seen)")
        case .host(let name):
            if X509_verify_cert(chain) == 1 { return true }
            let why = X509_verify_cert_error_string(Int(X509_STORE_CTX_get_error(chain)))
            let text = why.map { String(cString: $0) } ?? "no reason"
            refusal = SysError(.refused, saying: "certificate of \(name) is not known (\(text)): key \(seen)")
        }
        X509_STORE_CTX_set_error(chain, X509_V_ERR_CERT_UNTRUSTED)
        return false
    }
}

/// What all conversations of a side share: made once, only read after.
private struct TLSContext: @unchecked Sendable {
    let pointer: OpaquePointer?
    let isServer: Bool

    static let client = TLSContext(TLS_client_method(), isServer: false)
    static let server = TLSContext(TLS_server_method(), isServer: true)

    private init(_ method: OpaquePointer?, isServer: Bool) {
        self.isServer = isServer
        pointer = SSL_CTX_new(method)
        guard let pointer else { return }
        SSL_CTX_ctrl(pointer, SSL_CTRL_SET_MIN_PROTO_VERSION, Int(TLS1_3_VERSION), nil)
        SSL_CTX_ctrl(pointer, SSL_CTRL_SET_SESS_CACHE_MODE, Int(SSL_SESS_CACHE_OFF), nil)
        // An idle conversation keeps no buffers.
        SSL_CTX_ctrl(pointer, SSL_CTRL_MODE, Int(SSL_MODE_RELEASE_BUFFERS), nil)
        _ = SSL_CTX_set_num_tickets(pointer, 0)
        _ = SSL_CTX_set_default_verify_paths(pointer)  // without them no certificate is good
        SSL_CTX_set_verify(pointer, SSL_VERIFY_PEER, nil)
        SSL_CTX_set_cert_verify_callback(
            pointer,
            { chain, _ in
                // SAFETY: the conversation holds the judge, and the library calls this during its step.
                guard let chain, let ssl = X509_STORE_CTX_get_ex_data(chain, SSL_get_ex_data_X509_STORE_CTX_idx()),
                    let judge = SSL_get_ex_data(OpaquePointer(ssl), 0)
                else { return 0 }
                return Unmanaged<TLSJudge>.fromOpaque(judge).takeUnretainedValue().accepts(chain) ? 1 : 0
            }, nil)
    }
}

/// A conversation as the library has it, and what is on its way between that and the socket.
private struct TLSState: ~Copyable {
    /// Owned: made by `init`, freed by `deinit`, with its input and output.
    private let ssl: OpaquePointer
    private let input: OpaquePointer
    private let output: OpaquePointer
    private let socket: HostSocket
    let judge: TLSJudge
    var wake: (@Sendable () -> Void)?
    var isHungUp = false
    private var isAgreed = false
    private var isFinished = false
    /// The socket has no more to give.
    private var isAtEnd = false
    /// What ended the conversation.
    private var failure: SysError?
    /// What ended the sending, of which there may still be something to read.
    private var sendFailure: SysError?
    /// Taken from the output; what stands after the first `sent` is to be sent.
    private var pending: [UInt8] = []
    private var sent = 0

    /// Most plain bytes of a record.
    static let record = 16384
    /// Bytes of answers to the peer, beyond which nothing more is read from it before it takes them.
    private static let backlog = 65536

    init(
        _ context: TLSContext, _ socket: HostSocket, _ key: HostKey?, _ expected: HostTLS.Expected
    ) throws(SysError) {
        let judge = TLSJudge(expected)
        (ssl, input, output) = try Self.make(context, key, judge)
        self.socket = socket
        self.judge = judge
    }

    private static func make(
        _ context: TLSContext, _ key: HostKey?, _ judge: TLSJudge
    ) throws(SysError) -> (OpaquePointer, OpaquePointer, OpaquePointer) {
        guard let shared = context.pointer, let ssl = SSL_new(shared) else { throw .noMemory }
        do throws(SysError) {
            guard let input = BIO_new(BIO_s_mem()) else { throw .noMemory }
            guard let output = BIO_new(BIO_s_mem()) else {
                BIO_free(input)
                throw .noMemory
            }
            SSL_set_bio(ssl, input, output)  // which owns them now
            if context.isServer { SSL_set_accept_state(ssl) } else { SSL_set_connect_state(ssl) }
            // SAFETY: the judge lives as long as the conversation by which it is looked up.
            guard SSL_set_ex_data(ssl, 0, Unmanaged.passUnretained(judge).toOpaque()) == 1 else { throw .noMemory }
            if let key {
                guard SSL_use_certificate(ssl, key.pointers.certificate) == 1,
                    SSL_use_PrivateKey(ssl, key.pointers.key) == 1
                else { throw .badArg }
            }
            if case .host(let name) = judge.expected {
                guard expect(name, ssl) else { throw SysError(.badAddress, subject: name) }
            }
            return (ssl, input, output)
        } catch {
            SSL_free(ssl)
            throw error
        }
    }

    /// The certificate is to be for `name`, and the server, which may have several, is told so; a number it is not told.
    private static func expect(_ name: String, _ ssl: OpaquePointer) -> Bool {
        if (try? IPAddress(name)) != nil {  // it is a number
            return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name) == 1
        }
        // SAFETY: the library copies the name.
        return SSL_set1_host(ssl, name) == 1
            && name.withCString { c in
                SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, Int(TLSEXT_NAMETYPE_host_name), .init(mutating: c)) == 1
            }
    }

    deinit { SSL_free(ssl) }

    // MARK: the library and the socket

    private enum Outcome { case done, end, lacksInput }

    /// Makes a call of the library. Throws what ends the conversation, now and at each later call.
    private mutating func call(_ body: (OpaquePointer) -> Int32) throws(SysError) -> Outcome {
        if let failure { throw failure }
        ERR_clear_error()
        let result = body(ssl)
        if result > 0 { return .done }
        switch SSL_get_error(ssl, result) {
        case SSL_ERROR_WANT_READ: return .lacksInput
        case SSL_ERROR_ZERO_RETURN: return .end
        default:
            let why = ERR_reason_error_string(ERR_peek_error()).map { String(cString: $0) } ?? "it makes no sense"
            throw fail(judge.refusal ?? SysError(.io, saying: "tls: \(why)"))
        }
    }

    private mutating func fail(_ error: SysError) -> SysError {
        failure = error
        _ = flush()  // the peer is told why
        return error
    }

    private static func never(_ descriptor: Int32, _ events: HostEvents) throws(SysError) { throw .wouldBlock }

    /// Hands what has come over to the library; false where nothing has.
    private mutating func pull() throws(SysError) -> Bool {
        var chunk = [UInt8](repeating: 0, count: Self.record)
        var span = chunk.mutableSpan
        var bytes = span.mutableBytes
        let n: Int
        do throws(SysError) { n = try socket.stream.read(into: &bytes, Self.never) } catch {
            if error.code == .wouldBlock { return false }
            throw fail(error)
        }
        isAtEnd = n == 0
        guard n == 0 || BIO_write(input, chunk, Int32(n)) == n else { throw fail(.noMemory) }
        return true
    }

    private func send(_ bytes: [UInt8], from start: Int) throws(SysError) -> Int {
        try socket.stream.write(bytes.span.bytes.extracting(start..<bytes.count), Self.never)
    }

    /// Sends what can be sent now; whether nothing is left.
    mutating func flush() -> Bool {
        while sendFailure == nil {
            if sent == pending.count {
                pending = []
                sent = 0
                let n = Int(BIO_ctrl_pending(output))
                guard n > 0 else { break }
                // SAFETY: the library stores n bytes at most, and says how many.
                pending = [UInt8](unsafeUninitializedCapacity: n) { [output] b, count in
                    count = max(0, Int(BIO_read(output, b.baseAddress, Int32(clamping: b.count))))
                }
            }
            do throws(SysError) { let n = try send(pending, from: sent); sent += n } catch {
                if error.code == .wouldBlock { return false }
                sendFailure = error
                pending = []
                sent = 0
            }
        }
        if isFinished { socket.shutdown(reading: false) }
        return true
    }

    /// What a call that lacks input waits for; nil where some has come.
    private mutating func more() throws(SysError) -> HostEvents? {
        if !flush(), !isAgreed || pending.count - sent + BIO_ctrl_pending(output) > Self.backlog { return .writable }
        if isAtEnd {
            throw fail(
                SysError(
                    .hungup, saying: isAgreed ? "connection was cut: its end was not told" : "hung up in the handshake")
            )
        }
        return try pull() ? nil : .readable
    }

    // MARK: steps

    mutating func handshake() throws(SysError) -> TLSStep<Void> {
        while !isAgreed {
            switch try call({ SSL_do_handshake($0) }) {
            case .done:
                isAgreed = true
                _ = flush()
            case .end: throw fail(.hungup)
            case .lacksInput: if let events = try more() { return .wait(events) }
            }
        }
        return .done(())
    }

    mutating func read(into buffer: inout MutableRawSpan) throws(SysError) -> TLSStep<Int> {
        while !isHungUp {
            var n = 0
            let outcome = try buffer.withUnsafeMutableBytes { (b) throws(SysError) in
                // SAFETY: the library stores at most as many bytes as there is room for.
                try call { SSL_read_ex($0, b.baseAddress, b.count, &n) }
            }
            switch outcome {
            case .done: return .done(n)
            case .end: return .done(0)
            case .lacksInput: if let events = try more(), !isHungUp { return .wait(events) }
            }
        }
        return .done(0)
    }

    /// Waits until all that was written is sent.
    mutating func room() throws(SysError) -> TLSStep<Void> {
        if !flush() { return .wait(.writable) }
        if sendFailure != nil || isFinished { throw .hungup }
        return .done(())
    }

    mutating func write(_ bytes: RawSpan) throws(SysError) {
        guard !isFinished else { throw .hungup }
        guard bytes.byteCount > 0 else { return }
        var n = 0
        let outcome = try bytes.withUnsafeBytes { (b) throws(SysError) in
            // SAFETY: the library reads within the buffer, during the call.
            try call { SSL_write_ex($0, b.baseAddress, b.count, &n) }
        }
        // It has room for all of it.
        guard case .done = outcome, n == bytes.byteCount else { throw fail(.io) }
        _ = flush()
    }

    /// Tells the end, once; whether nothing is left to be sent.
    mutating func finish() -> Bool {
        if isAgreed, !isFinished, failure == nil {
            ERR_clear_error()
            _ = SSL_shutdown(ssl)  // the peer's own end is read elsewhere
        }
        isFinished = true
        return flush()
    }

    /// What stands unread would make the host reset the connection, and the peer lose what is on its way to it.
    mutating func discardInput() {
        for _ in 0..<4 where !isAtEnd {
            guard (try? pull()) == true else { return }  // there may be nothing
        }
    }

    /// Which of `events` are there.
    mutating func ready(_ events: HostEvents) -> HostEvents {
        let isFlushed = flush()
        var got = HostPoll.now(socket.stream.number, isFlushed ? events.intersection(.writable) : [])
        if events.contains(.readable), canRead() { got.insert(.readable) }
        return got
    }

    /// Whether a read would give something, an error too, at once. What has come may be the library's own.
    private mutating func canRead() -> Bool {
        while !isHungUp {
            var byte: UInt8 = 0
            var n = 0
            do throws(SysError) {
                guard case .lacksInput = try call({ SSL_peek_ex($0, &byte, 1, &n) }) else { return true }
                if try more() != nil { return false }
            } catch {
                return true
            }
        }
        return true
    }
}
