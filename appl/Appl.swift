// The programs: X.swift has type X, a Program, and is compiled, with XTopic.swift beside it, when emu.conf lists X under
// prog. What programs share is in files Lib*.swift.
