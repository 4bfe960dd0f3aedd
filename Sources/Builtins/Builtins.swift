// The builtin modules: X.swift implements Modules/x.m, and is compiled when emu.conf lists x under mod.
