import Kernel
import Library

/// Who is at the other end of a connection, as `listen` tells the command: `$peer` is their name, and `$peerkey`, `$peermask`
/// and `$peertree` what else the line in /lib/keys/authorized says. Without a key there is none of these.
extension Proc {
    /// Tells this process and its children.
    public func setPeer(_ peer: Authorized?) throws(SysError) {
        let now = caller.clock.now()
        let values = [
            ("peer", peer?.name), ("peerkey", peer?.key), ("peermask", peer?.mask.description),
            ("peertree", peer?.tree),
        ]
        for (name, value) in values {
            if let value {
                try environment.set(name, Array(value.utf8), now)
            } else {
                environment.remove(name)
            }
        }
    }

    /// Who they are; nil where nobody was asked. Throws where it makes no sense.
    public func peer() throws(SysError) -> Authorized? {
        var words: [String] = []
        for name in ["peer", "peerkey", "peermask", "peertree"] {
            if let variable = environment[name] { words.append(String(decoding: variable.value, as: UTF8.self)) }
        }
        if words.isEmpty { return nil }
        guard words.count == 4, let peer = Authorized(words) else {
            throw SysError(.perm, saying: "$peer does not say who is served")
        }
        return peer
    }
}
