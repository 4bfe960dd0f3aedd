import Applib
import Codec
import Kernel

/// Tells or checks MD5 digests of files.
struct Md5sum: DigestCommand {
    static let algorithm = Digest.Algorithm.md5
    static let usage = Usage.digest("md5sum", "MD5")
}
