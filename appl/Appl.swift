// The programs: X.swift has struct X, a Program, and is compiled when emu.conf lists X under prog. What programs share
// is in files that have no program.
