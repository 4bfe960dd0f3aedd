@main struct Mkconf { static func main() {} }
