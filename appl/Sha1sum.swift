import Codec
import Kernel

/// Tells or checks SHA1 digests of files.
struct Sha1sum: DigestCommand {
    static let algorithm = Digest.Algorithm.sha1
    static let usage: Usage = """
        sha1sum [-cq] [file ...]
        -c  check the digests that the files list
        -q  with -c: tell only of files that do not match
        """
}
