import Applib
import Kernel

/// Compresses files, each into one of its name with `.gz` behind it.
struct Gzip: Command {
    static let usage: Usage = """
        gzip [-cdfklNnqrtv123456789] [-S suffix] [file ...]
        -c, --stdout, --to-stdout       write to standard output, and keep the file
        -d, --decompress, --uncompress  decompress, as gunzip does
        -f, --force          replace what is there
        -k, --keep           keep the file
        -l, --list           tell sizes of compressed files, and how much was saved
        -n, --no-name        keep neither name nor time in the compressed file; with -d, do not take them from it
        -N, --name           keep them; with -d, give the file the name that it had
        -q, --quiet          tell of no failure
        -r, --recursive      the files in directories
        -S, --suffix suffix  instead of .gz
        -t, --test           test compressed files
        -v, --verbose        tell how much was saved
        -1, --fast           fastest
        -2                   and so on
        -3                   faster
        -4                   fast
        -5                   a little fast
        -6                   what is done where nothing is said
        -7                   a little small
        -8                   small
        -9, --best           smallest
        """

    func run(_ r: Run) throws(SysError) {
        try GzipFiles(r, decompresses: r.has("d") || r.has("t") || r.has("l")).run()
    }
}
