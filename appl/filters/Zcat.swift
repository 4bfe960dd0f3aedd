import Applib
import Kernel

/// Prints what compressed files hold.
struct Zcat: Command {
    static let usage: Usage = """
        zcat [-flqrtv] [-S suffix] [file ...]
        -f, --force          copy what is not compressed
        -l, --list           tell sizes, and how much was saved
        -q, --quiet          tell of no failure
        -r, --recursive      the files in directories
        -S, --suffix suffix  of a file's other name, instead of .gz
        -t, --test           test only
        -v, --verbose        tell of each file
        """

    func run(_ r: Run) throws(SysError) { try GzipFiles(r, decompresses: true, toOutput: true).run() }
}
