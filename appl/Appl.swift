// The programs: X.swift has type X, a Program, and is compiled when emu.conf lists X under prog. What programs share is
// in files Lib*.swift.
