import ArgumentParser
import Host
import Kernel

/// The host command: flags in, exit status out.
@main
struct Emu: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "emu",
        abstract: "A small operating system in one host process.",
        discussion: """
            Without a command or a script it starts what emu.conf names: an interactive shell. A script is a file of the \
            host; its arguments follow it. The exit status is that of the command.

            The directory in which emu was started is /n/host, your own files are in /home/$user, and nothing else of \
            the host is visible. Inside, `help` lists what there is.
            """,
        version: "emu \(System.version)")

    @Option(name: .short, help: ArgumentHelp("Join the host directory to / .", valueName: "root"))
    var root: String?
    @Option(name: .short, help: ArgumentHelp("Run a command of the shell instead of a script.", valueName: "command"))
    var command: String?
    @Option(
        name: .short, help: ArgumentHelp("Go on with a name space file, of the host or inside.", valueName: "nsfile"))
    var nsFile: String?
    @Flag(name: .customShort("C"), help: "Let programs of the host be run, which see all of it (see os(1)).")
    var hostCommands = false
    @Flag(name: .customShort("H"), help: "Let the whole host be attached, as '#U*'.")
    var wholeHost = false
    @Flag(help: "Show nothing of the host; home is in memory.")
    var noHost = false
    @Flag(
        help: """
            Run a program of the host that sees its /usr and the like, read-only, and what -m names, and no more; home is \
            in memory.
            """)
    var sandbox = false
    @Option(
        name: .short,
        help: ArgumentHelp("With --sandbox: also show path, with these rights (rwx).", valueName: "path:perms"))
    var mount: [String] = []
    @Option(
        name: .customLong("net"),
        help: ArgumentHelp(
            "Open the host's network beyond loopback; all of it, or the addresses listed.", valueName: "addr,..."))
    var network: String?
    @Flag(help: "Serve a directory inside to those who call an address: the words are `addr dir`.")
    var serve = false
    @Flag(name: .short, help: "Say what is done at the start.")
    var verbose = false
    @Flag(help: "Tell what this host can do for engines and the sandbox.")
    var doctor = false
    @Argument(parsing: .postTerminator, help: "A script of the host, or a program inside, and its arguments.")
    var words: [String] = []

    func validate() throws {
        if noHost && (sandbox || root != nil || wholeHost) {
            throw ValidationError("--no-host excludes --sandbox, -r and -H")
        }
        if hostCommands && (noHost || sandbox) {
            let other = noHost ? "--no-host" : "--sandbox"
            throw ValidationError("\(other) excludes -C: programs of the host see all of it")
        }
        if serve && (words.count != 2 || command != nil) {
            throw ValidationError("--serve takes an address and a directory, and no command")
        }
        if sandbox && wholeHost { throw ValidationError("--sandbox excludes -H") }
        if command == nil && words.first == "" { throw ValidationError("a script or program has a name") }
        if !mount.isEmpty && !sandbox { throw ValidationError("-m goes with --sandbox") }
        if let network {
            do throws(SysError) { _ = try HostGrants.Network(network) } catch {
                throw ValidationError("--net: \(error)")
            }
        }
    }

    func run() throws {
        if doctor {
            for feature in HostFeature.all() {
                print("\(feature.isThere ? "yes" : "no ")  \(feature.name): \(feature.detail)")
            }
            return
        }
        // An ExitCode thrown would have the help made before anybody knows that none is wanted.
        do throws(SysError) { HostEnvironment.exit(try Boot(self).run()) } catch {
            HostEnvironment.complain("emu: \(error)")
            HostEnvironment.exit(1)
        }
    }

    /// The flags end at the first word that is none: the rest is the command's own. `--net` alone means all of it.
    static func main() {
        var flags: [String] = []
        var rest = CommandLine.arguments.dropFirst()
        while let word = rest.first, word.hasPrefix("-"), word.count > 1, word != "--" {
            rest = rest.dropFirst()
            flags.append(word == "--net" ? "--net=*" : word)
            // A cluster of letters that ends in one of these takes the next word.
            if !word.hasPrefix("--"), let last = word.last, "rcnm".contains(last), let value = rest.popFirst() {
                flags.append(value)
            }
        }
        if rest.first == "--" { rest = rest.dropFirst() }
        main(rest.isEmpty ? flags : flags + ["--"] + rest)
    }
}
