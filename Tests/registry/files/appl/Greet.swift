import Kernel

/// A program for the registry test.
struct Greet: Program {
    func main(_ p: Proc, _ args: [String]) throws(SysError) -> Status {
        try p.write(1, "good day, \(args.dropFirst().joined(separator: " "))\n")
        return .ok
    }
}
