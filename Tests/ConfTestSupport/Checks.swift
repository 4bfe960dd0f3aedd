import Conf

/// What must hold for any bytes as `emu.conf`: every target's text is made or the faults are told, without a trap.
/// The files that it may name are a few of each kind.
public func checkConf(_ bytes: [UInt8]) {
    let files: [String: [UInt8]] = [
        "emu.conf": bytes, "Sources/Devices/DevCons.swift": [], "Sources/Mnt/DevMnt.swift": [],
        "Sources/Builtins/Zip.swift": [], "Modules/zip.m": Array(zip.utf8), "appl/Ls.swift": [],
        "Lib/profile": Array("echo \"hi\"\n".utf8), "Lib/man/1/ls": [0, 255, 10],
        "appl/sh/x": Array("#!/bin/sh\n".utf8),
    ]
    let tree = SourceTree(Array(files.keys)) { (path, limit) throws(SourceTree.Unreadable) in
        guard let bytes = files[path], bytes.count <= limit else { throw .init(reason: "file does not exist") }
        return .init(bytes: bytes, executable: false)
    }
    for target in ["Devices", "Builtins", "Appl", "Filters", "Mnt"] {
        let (text, faults) = Generator.run(target: target, tree: tree)
        for fault in faults {
            precondition(fault.description.contains(": error: "), "\(fault)")
            precondition(fault.description.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7f }, "\(fault)")
        }
        precondition(!text.isEmpty || !faults.isEmpty, "\(target): neither a table nor a fault")
    }
}

private let zip = "Zip: module { PATH: con \"$Zip\"; crc32: fn(data: array of byte): int; };"

/// What must hold for any bytes as an interface: it is refused with its file and a line, or what was read, written
/// down again, is read as the same.
public func checkInterface(_ bytes: [UInt8]) {
    let interface: Interface
    do throws(Diagnostic) {
        interface = try Interface.parse(bytes, file: "Modules/x.m")
    } catch {
        precondition(error.description.hasPrefix("Modules/x.m:"), "\(error)")
        precondition(error.description.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7f }, "\(error)")
        return
    }
    let text = limbo(interface)
    do throws(Diagnostic) {
        let again = try Interface.parse(Array(text.utf8), file: "again")
        precondition(
            again.functions == interface.functions && again.adts == interface.adts
                && again.constants == interface.constants, text)
    } catch {
        preconditionFailure("\(error) in \(text)")
    }
}

/// The interface in Limbo's syntax.
public func limbo(_ interface: Interface) -> String {
    var out = "\(interface.name): module {\n"
    for constant in interface.constants {
        let value =
            switch constant.value {
            case .int(let value): "int (\(value))"
            case .big(let value): "big (\(value))"
            case .real(let value): "\(value)"
            case .string(let value): quoted(value)
            }
        out += "\(constant.name): con \(value);\n"
    }
    for adt in interface.adts {
        out += "\(adt.name): adt { \(adt.fields.map { "\($0.name): \($0.type);" }.joined(separator: " ")) };\n"
    }
    for function in interface.functions { out += "\(function);\n" }
    return out + "};\n"
}

private func quoted(_ text: String) -> String {
    var out = "\""
    for scalar in text.unicodeScalars {
        switch scalar {
        case "\"", "\\": out += "\\\(scalar)"
        case "\0"..<" ": out += "\\u00" + (scalar.value < 16 ? "0" : "") + String(scalar.value, radix: 16)
        default: out.unicodeScalars.append(scalar)
        }
    }
    return out + "\""
}
