import CSSL

/// An ed25519 key pair, and the certificate that it signs for itself, by which peers of a TLS connection know it.
///
/// Peers are known by a key word: `ed25519:` and the public key, or, of a certificate with a key of another kind, `sha256:`
/// and the digest of its public key as X.509 writes it; in base64 without padding. The secret is 64 characters, the one
/// line between the first and the last of a PEM file (PKCS#8). Immutable.
public final class HostKey: Sendable {
    /// What a certificate and its key are to the library; both are counted by it, and are only read.
    struct Pointers: @unchecked Sendable {
        let key: OpaquePointer
        let certificate: OpaquePointer
    }

    let pointers: Pointers
    /// By which others know it.
    public let word: String
    /// What it can be made from again.
    public let secret: String

    /// What stands before the 32 bytes of a key.
    private static let prefix: [UInt8] = [0x30, 0x2E, 2, 1, 0, 0x30, 5, 6, 3, 0x2B, 0x65, 0x70, 4, 0x22, 4, 0x20]
    private static let head = "-----BEGIN PRIVATE KEY-----\n"
    private static let tail = "\n-----END PRIVATE KEY-----\n"
    private static let bad = SysError(.badArg, saying: "it is no ed25519 key")

    /// A new key that nobody can foretell.
    public convenience init() throws(SysError) {
        var seed = [UInt8](repeating: 0, count: 32)
        var span = seed.mutableSpan
        var bytes = span.mutableBytes
        try bytes.fillRandom()
        try self.init(secret: Self.base64(Self.prefix + seed))
    }

    /// The key of a secret. Throws `.badArg` where it is none.
    public init(secret: String) throws(SysError) {
        let text = Array(secret.utf8)
        var bytes = [UInt8](repeating: 0, count: 48)
        // SAFETY: 64 characters are 48 bytes.
        guard text.count == 64, EVP_DecodeBlock(&bytes, text, 64) == 48, bytes.starts(with: Self.prefix),
            Self.base64(bytes) == secret
        else { throw Self.bad }
        let seed = Array(bytes[16...])
        guard let key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nil, seed, 32) else { throw Self.bad }
        guard let certificate = Self.certificate(key) else {
            EVP_PKEY_free(key)
            throw .noMemory
        }
        pointers = Pointers(key: key, certificate: certificate)
        word = Self.word(of: certificate)
        self.secret = secret
    }

    /// The key of a PEM file. Throws `.badArg` where that is another, or none.
    public convenience init(pem: String) throws(SysError) { try self.init(secret: try Self.secret(pem: pem)) }

    /// The secret in a PEM file, unchecked.
    public static func secret(pem: String) throws(SysError) -> String {
        let lines = pem.split(separator: "\n", maxSplits: 8)
        guard lines.count == 3, lines[0] == head.dropLast(), lines[2] == tail.dropFirst().dropLast() else { throw bad }
        return String(lines[1])
    }

    /// As it is kept in a file. The corresponding command is `openssl genpkey -algorithm ed25519`.
    public var pem: String { Self.head + secret + Self.tail }

    /// Whether `word` may be a key's.
    public static func isWord(_ word: some StringProtocol) -> Bool {
        guard let cut = word.firstIndex(of: ":"), ["ed25519", "sha256"].contains(word[..<cut]) else { return false }
        let rest = word[word.index(after: cut)...].utf8
        return rest.count == 43
            && rest.allSatisfy { c in
                switch c {
                case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2B, 0x2F: true
                default: false
                }
            }
    }

    deinit {
        X509_free(pointers.certificate)
        EVP_PKEY_free(pointers.key)
    }

    /// A certificate of nothing but the key, for ever, signed by itself; the same one each time.
    private static func certificate(_ key: OpaquePointer) -> OpaquePointer? {
        guard let x = X509_new() else { return nil }
        let name = X509_get_subject_name(x)
        guard X509_set_version(x, 2) == 1, ASN1_INTEGER_set(X509_get_serialNumber(x), 1) == 1,
            ASN1_TIME_set_string(X509_getm_notBefore(x), "20000101000000Z") == 1,
            ASN1_TIME_set_string(X509_getm_notAfter(x), "99991231235959Z") == 1,
            X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, "emu", -1, -1, 0) == 1,
            X509_set_issuer_name(x, name) == 1, X509_set_pubkey(x, key) == 1, X509_sign(x, key, nil) > 0
        else {
            X509_free(x)
            return nil
        }
        return x
    }

    /// By which whoever shows `certificate` is known; empty where its key cannot be read.
    static func word(of certificate: OpaquePointer) -> String {
        guard let key = X509_get0_pubkey(certificate) else { return "" }
        var bytes = [UInt8](repeating: 0, count: 32)
        if EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519 {
            var n = bytes.count
            // SAFETY: n says how many bytes there is room for.
            guard EVP_PKEY_get_raw_public_key(key, &bytes, &n) == 1, n == 32 else { return "" }
            return "ed25519:" + unpadded(bytes)
        }
        var der: UnsafeMutablePointer<UInt8>?
        let n = i2d_PUBKEY(key, &der)
        guard n > 0, let der else { return "" }
        defer { CRYPTO_free(der, #fileID, #line) }
        // SAFETY: the library made n bytes at der; a SHA-256 has 32.
        guard EVP_Digest(der, Int(n), &bytes, nil, EVP_sha256(), nil) == 1 else { return "" }
        return "sha256:" + unpadded(bytes)
    }

    private static func unpadded(_ bytes: [UInt8]) -> String { String(base64(bytes).prefix { $0 != "=" }) }

    private static func base64(_ bytes: [UInt8]) -> String {
        // SAFETY: every 3 bytes or less make 4 characters, and a NUL ends them.
        let text = [UInt8](unsafeUninitializedCapacity: (bytes.count + 2) / 3 * 4 + 1) { b, count in
            count = Int(EVP_EncodeBlock(b.baseAddress, bytes, Int32(bytes.count)))
        }
        return String(decoding: text, as: UTF8.self)
    }
}
