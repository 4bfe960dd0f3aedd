import Kernel

/// Compresses files, each into one of its name with `.gz` behind it.
struct Gzip: Command {
    static let usage: Usage = """
        gzip [-cdfkntv123456789] [file ...]
        -c  write to standard output, and keep the file
        -d  decompress, as gunzip does
        -f  replace what is there
        -k  keep the file
        -n  keep neither name nor time in the compressed file
        -t  test compressed files
        -v  tell how much was saved
        -1  fastest
        -2  and so on
        -3  faster
        -4  fast
        -5  a little fast
        -6  what is done where nothing is said
        -7  a little small
        -8  small
        -9  smallest
        """

    func run(_ r: Run) throws(SysError) {
        try GzipFiles(r: r, decompresses: r.has("d") || r.has("t")).run()
    }
}
