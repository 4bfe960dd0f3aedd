import Kernel

/// The builtin module `$Hello` of the registry test.
struct Hello: HelloModule {
    func hello(_: Proc) throws(SysError) -> String { "hello, world" }

    func add(_: Proc, _ a: Int32, _ b: Int32) throws(SysError) -> Int32 { a &+ b }

    func move(_: Proc, _ p: Point, _ by: (Int32, Int32)) throws(SysError) -> Point {
        Point(x: p.x &+ by.0, y: p.y &+ by.1)
    }

    func every(
        _: Proc, _ a: UInt8, _ b: Int64, _ c: Double, _ d: [UInt8], _ e: FD, _ rest: [(String, Point)]
    ) throws(SysError) -> (Double, [[String]]) {
        (c, rest.map { [$0.0, "\($0.1.x)"] } + [["\(a)", "\(b)", "\(d.count)", "\(e.number)"]])
    }
}
