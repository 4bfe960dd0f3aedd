import Applib
import Codec
import Kernel

/// Tells or checks SHA1 digests of files.
struct Sha1sum: DigestCommand {
    static let algorithm = Digest.Algorithm.sha1
    static let usage = Usage.digest("sha1sum", "SHA1")
}
