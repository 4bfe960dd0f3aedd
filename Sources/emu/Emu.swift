@main struct Emu { static func main() {} }
