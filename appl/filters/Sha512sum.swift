import Applib
import Codec
import Kernel

/// Tells or checks SHA512 digests of files.
struct Sha512sum: DigestCommand {
    static let algorithm = Digest.Algorithm.sha512
    static let usage = Usage.digest("sha512sum", "SHA512")
}
