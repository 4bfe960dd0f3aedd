import Kernel

/// Lists files. The long form is Plan 9's: kind and rights, device letter and instance, owner, group, length, date, name.
struct Ls: Command {
    static let usage: Usage = """
        ls [-1AFLRSacdelmnpqrstu] [file ...]
        -1  one name on a line; it always is
        -A  names that begin with a dot too
        -a  the same, and . and ..
        -c  time of the last change of anything, for -l and -t
        -d  a directory itself, not what is in it
        -e  with -l, time in seconds since 1970
        -F  mark directories with /, programs with *, symbolic links with @
        -L  what a symbolic link leads to
        -l  long form
        -m  who modified last, in []
        -n  as they come, not sorted
        -p  the last name of a path only
        -q  the qid: path, version, type
        -R  directories below directories too
        -r  in reverse
        -S  by size, largest first
        -s  size in kilobytes
        -t  by time, newest first
        -u  time of the last access, for -l and -t
        """

    func run(_ r: Run) throws(SysError) {
        try Listing(r).list { (rows) throws(SysError) in for row in rows { try r.out.line(row) } }
    }
}
