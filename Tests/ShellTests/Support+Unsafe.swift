import Glibc
import Testing

private final class Job: @unchecked Sendable {  // written by one thread, read after it is joined
    let body: @Sendable () -> Bool
    var result = false
    init(_ body: @escaping @Sendable () -> Bool) { self.body = body }
}

/// Runs `body` on a thread of its own with the 512 KB stack of a process.
func onSmallStack(_ body: @escaping @Sendable () -> Bool) -> Bool {
    let job = Job(body)
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    pthread_attr_setstacksize(&attributes, 512 * 1024)
    var thread = pthread_t()
    let made = pthread_create(
        &thread, &attributes,
        { argument in
            guard let argument else { return nil }
            let job = Unmanaged<Job>.fromOpaque(argument).takeRetainedValue()
            job.result = job.body()
            return nil
        }, Unmanaged.passRetained(job).toOpaque())
    guard made == 0 else { return false }
    pthread_join(thread, nil)
    return job.result
}

/// What the fuzzer starts from and what it has found, by file name.
func corpusFiles() throws -> [(String, [UInt8])] {
    let tests = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(2).joined(separator: "/")
    let folder = tests + "/Fuzz/Shell/corpus"
    let directory = try #require(opendir(folder))
    defer { closedir(directory) }
    var files: [(String, [UInt8])] = []
    while let entry = readdir(directory) {
        let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
            pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
        }
        guard !name.hasPrefix("."), let file = fopen(folder + "/" + name, "r") else { continue }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 1 << 20)
        bytes.removeLast(bytes.count - fread(&bytes, 1, bytes.count, file))
        files.append((name, bytes))
    }
    return files
}
