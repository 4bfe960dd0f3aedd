import Applib
import Kernel

/// Decompresses files that end in `.gz` or `.tgz`.
struct Gunzip: Command {
    static let usage: Usage = """
        gunzip [-cfklNnqrtv] [-S suffix] [file ...]
        -c, --stdout, --to-stdout  write to standard output, and keep the file
        -f, --force          replace what is there; with -c, copy what is not compressed
        -k, --keep           keep the file
        -l, --list           tell sizes, and how much was saved
        -n, --no-name        name the file as the compressed one; so it is where nothing is said
        -N, --name           give the file the name and time that it had
        -q, --quiet          tell of no failure
        -r, --recursive      the files in directories
        -S, --suffix suffix  instead of .gz
        -t, --test           test only
        -v, --verbose        tell how much was saved
        """

    func run(_ r: Run) throws(SysError) { try GzipFiles(r, decompresses: true).run() }
}
