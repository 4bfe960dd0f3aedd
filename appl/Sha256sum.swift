import Codec
import Kernel

/// Tells or checks SHA256 digests of files.
struct Sha256sum: DigestCommand {
    static let algorithm = Digest.Algorithm.sha256
    static let usage: Usage = """
        sha256sum [-cq] [file ...]
        -c  check the digests that the files list
        -q  with -c: tell only of files that do not match
        """
}
