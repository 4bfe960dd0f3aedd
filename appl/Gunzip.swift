import Kernel

/// Decompresses files that end in `.gz` or `.tgz`.
struct Gunzip: Command {
    static let usage: Usage = """
        gunzip [-cfkntv] [file ...]
        -c  write to standard output, and keep the file
        -f  replace what is there
        -k  keep the file
        -n  accepted for gzip's sake: names come from the file's own
        -t  test only
        -v  tell how much was saved
        """

    func run(_ r: Run) throws(SysError) { try GzipFiles(r: r, decompresses: true).run() }
}
