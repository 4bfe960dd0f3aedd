// What the generated tables name and the kernel does not have yet; each goes when its own file lands.

public struct SysError: Error, Equatable, CustomStringConvertible {
    public let description: String

    public init(_ text: String) { description = text }
}

public final class Proc: Sendable {
    public init() {}
}

public protocol Dev: AnyObject, Sendable {}

public typealias Status = String

public protocol Program: Sendable {
    init()
    func main(_ p: Proc, _ args: [String]) throws(SysError) -> Status
}

public struct ProgramEntry: Sendable {
    public let name: String
    public let path: String
    public let make: @Sendable () -> any Program

    public init(name: String, path: String, make: @escaping @Sendable () -> any Program) {
        self.name = name
        self.path = path
        self.make = make
    }
}
