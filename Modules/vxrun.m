# Programs of the host, unmodified, in the name space of who calls: see vxrun(1) for the flags.
Vxrun: module
{
	PATH:	con "$Vxrun";

	# runs [flag ...] program [argument ...] as a process of its own; its exit code, or 128 and the signal
	run:	fn(args: list of string): int;
	# the same in the place of the caller, which ends with it
	become:	fn(args: list of string): string;
};
