# A thin front door: each recipe can be typed by hand. `./run` and `./run test` are all that a user needs.
PREFIX ?= /usr/local
SOAK = swift test -c release -Xswiftc -enable-testing --scratch-path .build-soak

build:          ; swift build
test:           ; ./run test
check:          ; .ci/run
fmt:            ; swift format -i -r --parallel Sources appl Tests Package.swift
lint:           ; swift format lint --strict -r --parallel Sources appl Tests Package.swift
release:        ; ./run --version
bench:          ; .ci/bench
fuzz:           ; .ci/fuzz 60
tsan:           ; EMU_TSAN=1 swift test --scratch-path .build-tsan --sanitize thread --filter '^(Kernel|Devices|Mnt)Tests'
# 9P with the programs of others, and between two networks; as root, since name spaces are made.
peers: release  ; Tests/PeerTests/run.py .build/release/emu && Tests/PeerTests/net.py .build/release/emu
# The native sandbox against the host itself, script by script; as root, since it is tried as an ordinary user too.
native: release ; Tests/NativeTests/run.py .build/release/emu
# What takes longer than CI may: processes killed a hundred times over, a million sequences against the masks, planted
# mistakes, long fuzzing, the whole bench.
soak:
	EMU_KILL_SECONDS=1 EMU_KILL_COUNT=1000 EMU_KILL_ROUNDS=100 $(SOAK) --no-parallel --filter KillTests
	EMU_TSAN=1 EMU_KILL_SECONDS=1 EMU_KILL_COUNT=1000 EMU_KILL_ROUNDS=100 $(SOAK)-tsan --sanitize thread --no-parallel \
	    --filter KillTests
	EMU_FAMILY=100000 EMU_RACES=2000 $(SOAK) --no-parallel --filter 'FamilyTests|RaceTests'
	EMU_MASK_SEQUENCES=1000000 $(SOAK) --filter MaskTests
	EMU_SOAK=1800 $(SOAK) --filter ServerFuzzTests
	./run --version && Tests/PeerTests/kill.py .build/release/emu 500
	Tests/NativeTests/many.py .build/release/emu
	Tests/mutants
	.ci/fuzz 1800
	.ci/bench
install: release
	install -D .build/release/emu $(DESTDIR)$(PREFIX)/bin/emu
uninstall:      ; rm -f $(DESTDIR)$(PREFIX)/bin/emu

.PHONY: bench build native peers test check fmt lint release fuzz tsan soak install uninstall
