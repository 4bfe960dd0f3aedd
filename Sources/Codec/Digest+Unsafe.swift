import CSSL
import Kernel

/// A running message digest, computed by libcrypto.
///
/// The corresponding Plan 9 page is `sechash(2)`.
public struct Digest: ~Copyable {
    public enum Algorithm: String, CaseIterable, Sendable {
        case md5, sha1, sha256, sha512
    }

    /// Owned: made by `init`, freed by `deinit`.
    private let context: OpaquePointer

    /// Throws where this libcrypto is configured to refuse the algorithm.
    public init(_ algorithm: Algorithm) throws(SysError) {
        context = try Self.start(algorithm)
    }

    private static func start(_ algorithm: Algorithm) throws(SysError) -> OpaquePointer {
        guard let context = EVP_MD_CTX_new() else { throw SysError("digest: out of memory") }
        let kind =
            switch algorithm {
            case .md5: EVP_md5()
            case .sha1: EVP_sha1()
            case .sha256: EVP_sha256()
            case .sha512: EVP_sha512()
            }
        guard EVP_DigestInit_ex(context, kind, nil) == 1 else {
            EVP_MD_CTX_free(context)
            throw SysError("digest: \(algorithm.rawValue) is refused by libcrypto")
        }
        return context
    }

    deinit {
        EVP_MD_CTX_free(context)
    }

    /// Adds bytes to what is digested.
    public mutating func update(_ bytes: RawSpan) throws(SysError) {
        let context = context
        // SAFETY: libcrypto reads within the buffer, during the call.
        let status = bytes.withUnsafeBytes { EVP_DigestUpdate(context, $0.baseAddress, $0.count) }
        guard status == 1 else { throw SysError("digest: libcrypto failed") }
    }

    /// The digest of all that was added, 16 to 64 bytes.
    public consuming func finish() throws(SysError) -> [UInt8] {
        var length: UInt32 = 0
        var status: Int32 = 0
        let context = context
        // SAFETY: libcrypto stores at most EVP_MAX_MD_SIZE bytes and says how many.
        let value = [UInt8](unsafeUninitializedCapacity: Int(EVP_MAX_MD_SIZE)) { buffer, count in
            status = EVP_DigestFinal_ex(context, buffer.baseAddress, &length)
            count = status == 1 ? Int(length) : 0
        }
        guard status == 1 else { throw SysError("digest: libcrypto failed") }
        return value
    }

    /// The digest of `bytes`.
    public static func of(_ bytes: RawSpan, _ algorithm: Algorithm) throws(SysError) -> [UInt8] {
        var digest = try Digest(algorithm)
        try digest.update(bytes)
        return try digest.finish()
    }
}

/// Bytes as lower-case hexadecimal, as `sha256sum` prints them.
public func hex(_ bytes: [UInt8]) -> String {
    let digits = Array("0123456789abcdef".utf8)
    var text: [UInt8] = []
    text.reserveCapacity(bytes.count * 2)
    for byte in bytes {
        text.append(digits[Int(byte >> 4)])
        text.append(digits[Int(byte & 15)])
    }
    return String(decoding: text, as: UTF8.self)
}
