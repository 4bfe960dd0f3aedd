import Applib
import Kernel
import Shell

/// Lists files. The long form is Plan 9's: kind and rights, device letter and instance, owner, group, length, date, name.
struct Ls: Command {
    static let usage: Usage = """
        ls [-1ACFHLRSUXacdefghiklmnopqrstuvx] [-I glob] [-w width] [file ...]
        -1                    one name on a line; that is the standard
        -A, --almost-all      names that begin with a dot too
        -a, --all             the same, and . and ..
        -C                    in columns, down
        -c                    time of the last change of anything, for -l and -t
        -d, --directory       a directory itself, not what is in it
        -e                    with -l, time in seconds since 1970
        -F, --classify        mark directories with /, programs with *, symbolic links with @
        -f                    the same as -an
        -g                    long form without the owner
        -H                    what an operand that is a symbolic link leads to
        -h, --human-readable  sizes with K, M, G
        -I, --ignore glob     leave out what has such a name
        -i, --inode           the number of the file: the path of its qid
        -k, --kibibytes       sizes of -s in kilobytes; that is the standard
        -L, --dereference     what a symbolic link leads to
        -l                    long form
        -m                    who modified last, in []
        -n, -U                as they come, not sorted
        -o, --no-group        long form without the group
        -p                    the last name of a path only
        -q                    the qid: path, version, type
        -R, --recursive       directories below directories too
        -r, --reverse         in reverse
        -S                    by size, largest first
        -s, --size            size in kilobytes
        -t                    by time, newest first
        -u                    time of the last access, for -l and -t
        -v                    numbers in names as numbers: a9 before a10
        -w, --width width     characters of a line, for -C and -x; else the terminal's, else $COLUMNS, else 80
        -X                    by what is behind the last dot of the name
        -x                    in columns, across
        --color[=when]        names of directories, links and programs in colours: always, never, or auto, on a terminal
        --group-directories-first  so, whatever the order is
        --sort how            as -U, -S, -t, -v or -X: none, size, time, version, extension; or name
        """

    func run(_ r: Run) throws(SysError) {
        // One on a line may be long.
        let form = r.options.last(of: "lgoCx1").map { $0 == "1" ? r.options.last(of: "lgo") ?? "1" : $0 } ?? "1"
        let ignored = r.options.values("I").map { (pattern: Pattern($0), isHidden: $0.hasPrefix(".")) }
        let listing = try Listing(r, isLong: "lgo".contains(form)) { (name) throws(SysError) -> Bool in
            // A dot at the beginning is no other character's.
            for i in ignored where i.isHidden || !name.hasPrefix(".") {
                if try i.pattern.matches(name) { return true }
            }
            return false
        }
        guard form == "C" || form == "x" else {
            return try listing.list { (rows) throws(SysError) in for row in rows { try r.out.line(row) } }
        }
        let width = try r.lineWidth()
        try listing.list { (names) throws(SysError) in
            let table = Columns(names, width: width, isAcross: form == "x")
            for row in 0..<table.rows { try r.out.line(table.line(row)) }
        }
    }
}
