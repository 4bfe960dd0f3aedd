import Foundation
import PackagePlugin

/// Runs mkconf for each target that holds a table of what `emu.conf` lists.
///
/// SwiftPM asks a plugin again when a Swift file comes or goes, and not when `emu.conf` is edited or a file comes
/// into `Lib`. So nothing here depends on those: mkconf runs at every build, looks for itself, and writes what has changed.
///
/// What is not listed is not compiled, since a class that nothing uses stays in a binary: its metadata is registered
/// with the runtime. So the manifest names one source of such a target, and the others come in as copies, which name
/// their originals in errors and to the debugger. The copy of an unlisted thing is empty.
@main
struct EmuConfPlugin: BuildToolPlugin {
    /// An input that is another one for each process, so that a command which has it is never up to date.
    private static let everChanging = URL(filePath: "/proc/self")

    func createBuildCommands(context: PluginContext, target: Target) throws -> [Command] {
        guard let target = target as? SourceModuleTarget else { return [] }
        let package = context.package.directoryURL
        let work = context.pluginWorkDirectoryURL
        let mkconf = try context.tool(named: "mkconf").url
        // A target may stand in a folder of another's.
        let others = context.package.targets.map(\.directoryURL.path).filter { $0 != target.directoryURL.path }
        let files = tree(target.directoryURL, without: Set(others))
        // What is no Swift, a script in appl, is an input too, else it would be reported as unhandled.
        let table = work.appending(path: "\(target.name)+Table.swift")
        var commands = [
            Command.buildCommand(
                displayName: "mkconf \(target.name)", executable: mkconf,
                arguments: ["table", package.path, target.name, table.path],
                inputFiles: [Self.everChanging] + files.filter { $0.pathExtension != "swift" }, outputFiles: [table])
        ]
        let compiled = Set(target.sourceFiles.filter { $0.type == .source }.map(\.url.path))
        for file in files where file.pathExtension == "swift" && !compiled.contains(file.path) {
            // Two files of one name would have one #fileID.
            let copy = work.appending(path: "Listed+\(file.lastPathComponent)")
            let source = String(file.path.dropFirst(package.path.count + 1))
            commands.append(
                .buildCommand(
                    displayName: "mkconf \(file.lastPathComponent)", executable: mkconf,
                    arguments: ["copy", package.path, source, copy.path],
                    inputFiles: [file, package.appending(path: "emu.conf")], outputFiles: [copy]))
        }
        return commands
    }

    /// The files from `url` down; hidden ones and the folders `without` left out, links not followed.
    private func tree(_ url: URL, without others: Set<String>) -> [URL] {
        if others.contains(url.path) { return [] }
        let isLink = (try? url.resourceValues(forKeys: [.isSymbolicLinkKey]))?.isSymbolicLink ?? false
        guard !isLink, let names = try? FileManager.default.contentsOfDirectory(atPath: url.path) else { return [url] }
        return names.sorted().filter { !$0.hasPrefix(".") }.flatMap { tree(url.appending(path: $0), without: others) }
    }
}
