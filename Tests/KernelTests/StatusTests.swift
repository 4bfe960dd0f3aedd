import Kernel
import Testing

/// What a program's end is for a host.
@Suite struct StatusTests {
    @Test(
        arguments: [
            ("", 0), ("3", 3), ("255", 255), ("256", 1), ("0", 1), ("-1", 1), ("usage", 2), ("interrupt", 130),
            ("differ", 1), ("2: 'f' file does not exist", 2), ("300: too much", 1), (": nothing", 1), ("x: 2", 1),
        ] as [(String, Int32)]) func aTextIsACode(_ text: String, _ code: Int32)
    {
        #expect(Status(text).code == code)
    }

    @Test func aSentenceMayComeWithItsCode() {
        let status = Status(code: 2, "file does not exist")
        #expect(status.text == "2: file does not exist")
        #expect(status.code == 2 && !status.isOK)
    }
}
