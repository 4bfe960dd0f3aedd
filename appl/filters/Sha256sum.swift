import Applib
import Codec
import Kernel

/// Tells or checks SHA256 digests of files.
struct Sha256sum: DigestCommand {
    static let algorithm = Digest.Algorithm.sha256
    static let usage = Usage.digest("sha256sum", "SHA256")
}
