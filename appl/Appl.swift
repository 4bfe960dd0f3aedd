// The programs: X.swift has type X, a Program, and is compiled, with XTopic.swift beside it, when emu.conf lists X under
// prog. What programs share is in lib, a target of its own; those that read text and write it are in filters.
