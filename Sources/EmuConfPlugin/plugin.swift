import Foundation
import PackagePlugin

/// Runs mkconf for each target that holds a table of what `emu.conf` lists.
///
/// The command's arguments name every file that mkconf may look for, so that a file that comes or goes runs it again;
/// its inputs are the files whose contents it reads.
@main
struct EmuConfPlugin: BuildToolPlugin {
    func createBuildCommands(context: PluginContext, target: Target) throws -> [Command] {
        let package = context.package.directoryURL
        let swift = ["Sources", "appl"].flatMap { files(of: $0, in: package) }.filter { $0.hasSuffix(".swift") }
        var read: Set<String> = ["emu.conf"]
        read.formUnion(files(of: "Modules", in: package))
        // Whatever of the package an entry of emu.conf names is embedded. A word that names nothing is mkconf's to refuse.
        let conf = (try? String(contentsOf: package.appending(path: "emu.conf"), encoding: .utf8)) ?? ""
        for line in conf.split(whereSeparator: \.isNewline) {
            let words = line.split(whereSeparator: { $0.isWhitespace || $0 == "'" }).prefix { !$0.hasPrefix("#") }
            for word in words.dropFirst() where !word.hasPrefix("/") && !word.contains("..") {
                read.formUnion(files(of: String(word), in: package))
            }
        }
        // A file of the target that no command reads would be reported as unhandled.
        if target.name == "Appl" {
            read.formUnion(files(of: "appl", in: package).filter { !$0.hasSuffix(".swift") })
        }
        let out = context.pluginWorkDirectoryURL.appending(path: "\(target.name)+Table.swift")
        let inputs = read.sorted()
        return [
            .buildCommand(
                displayName: "mkconf \(target.name)",
                executable: try context.tool(named: "mkconf").url,
                arguments: [target.name, package.path, out.path] + (inputs + swift).sorted(),
                inputFiles: inputs.map { package.appending(path: $0) },
                outputFiles: [out])
        ]
    }

    /// The file, or the files below the directory, that stands at a path of the package; hidden ones left out.
    private func files(of path: String, in package: URL) -> [String] {
        let url = package.appending(path: path)
        guard let entries = try? FileManager.default.contentsOfDirectory(atPath: url.path) else {
            return FileManager.default.fileExists(atPath: url.path) ? [path] : []
        }
        return entries.filter { !$0.hasPrefix(".") }.sorted().flatMap { files(of: "\(path)/\($0)", in: package) }
    }
}
