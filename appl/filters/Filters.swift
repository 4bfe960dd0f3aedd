// The programs that make text of text, as those in the folder above: X.swift has type X.
