import Applib
import Kernel
import Mnt

/// Serves a directory over 9P to whoever is at the other end of descriptor 0.
struct Exportfs: Command {
    static let usage: Usage = """
        export [-Av] [-l address] [-m msize] [-p mask] dir
        -A        whoever calls is not asked who they are
        -l addr   take calls to this address, instead of serving descriptor 0
        -m msize  the longest message that a client may ask for, in bytes: 256 to 8388608; 1048576 where it is not given
        -p mask   the rights that are left of dir and all below it: r read and list, w write, x search and run
        -v        every message goes to /dev/kprint
        """

    func run(_ r: Run) throws(SysError) {
        let directory = try r.operands(1...1)[0]
        var options = Export.Options()
        options.msize = try r.number("m", or: options.msize, in: Wire.leastMsize...Wire.mostMsize)
        options.mask = try r.mask() ?? options.mask
        options.verbose = r.has("v")
        let export = try Export(directory, options, of: r.p)
        if let address = r.options.value("l") {
            // There is no authentication: who serves others than this host's must have said so.
            for (clone, local) in r.has("A") ? [] : try r.p.ways(to: address) where !Proc.isLocal(clone, local) {
                throw SysError("there is no authentication in this emu (-A serves whoever calls)", subject: address)
            }
            if r.has("A") { r.p.system.log("export: \(address): whoever calls is served, and not asked who they are") }
            return try ExportListener(export, of: r.p).serve(try r.p.announce(address))
        }
        let input = try r.p.fildes(0)
        // A pipe and a connection go both ways; the console's input does not.
        let output = input.mode?.canWrite ?? false ? input : try r.p.fildes(1)
        try export.serve(input, output, peer: input.path)
    }
}
