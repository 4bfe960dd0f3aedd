import Codec
import Kernel

/// Tells or checks MD5 digests of files.
struct Md5sum: DigestCommand {
    static let algorithm = Digest.Algorithm.md5
    static let usage: Usage = """
        md5sum [-cq] [file ...]
        -c  check the digests that the files list
        -q  with -c: tell only of files that do not match
        """
}
