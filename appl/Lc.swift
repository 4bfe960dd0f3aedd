import Applib
import Kernel

/// Lists files in columns.
struct Lc: Command {
    static let usage: Usage = """
        lc [-AFSacdnprtu] [-w width] [file ...]
        -A        names that begin with a dot too
        -a        the same, and . and ..
        -c        time of the last change of anything, for -t
        -d        a directory itself, not what is in it
        -F        mark directories with /, programs with *, symbolic links with @
        -n        as they come, not sorted
        -p        the last name of a path only
        -r        in reverse
        -S        by size, largest first
        -t        by time, newest first
        -u        time of the last access, for -t
        -w width  characters of a line; else the terminal's, else $COLUMNS, else 80
        """

    func run(_ r: Run) throws(SysError) {
        let width = try r.lineWidth()
        try Listing(r).list { (names) throws(SysError) in
            let cell = names.reduce(0) { max($0, $1.count) } + 1
            let across = max(1, width / cell)
            let down = (names.count + across - 1) / across
            for row in 0..<down {
                var line = ""
                for i in stride(from: row, to: names.count, by: down) {
                    line += i + down < names.count ? names[i].left(cell) : names[i]
                }
                try r.out.line(line)
            }
        }
    }
}
