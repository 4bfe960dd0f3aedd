# The system calls, for scripts. A call that fails ends with its error.
Sys: module
{
	PATH:	con "$Sys";

	# open and create
	OREAD, OWRITE, ORDWR, OEXEC:	con iota;
	OTRUNC:	con 16;
	ORCLOSE:	con 64;
	OEXCL:	con 16r1000;

	# seek
	START, RELA, END:	con iota;

	# bind and mount
	MREPL, MBEFORE, MAFTER:	con iota;
	MCREATE:	con 4;
	MCACHE:	con 16;

	# pctl
	NEWFD:	con 1;
	FORKFD:	con 2;
	NEWNS:	con 4;
	FORKNS:	con 8;
	NEWPGRP:	con 16;
	NODEVS:	con 32;
	NEWENV:	con 64;
	FORKENV:	con 128;

	# modes and qid types
	DMDIR:	con int (1 << 31);
	DMAPPEND:	con 1 << 30;
	DMEXCL:	con 1 << 29;
	DMTMP:	con 1 << 26;
	QTDIR:	con 16r80;
	QTAPPEND:	con 16r40;
	QTEXCL:	con 16r20;
	QTTMP:	con 16r04;
	QTFILE:	con 0;

	Qid: adt
	{
		path:	big;
		vers:	int;
		qtype:	int;
	};

	# in wstat and fwstat, -1 and '' leave a field as it is
	Dir: adt
	{
		name:	string;
		uid:	string;
		gid:	string;
		muid:	string;
		qid:	Qid;
		mode:	int;
		atime:	int;
		mtime:	int;
		length:	big;
		dtype:	int;
		dev:	int;
	};

	open:	fn(path: string, mode: int): ref FD;
	create:	fn(path: string, mode: int, perm: int): ref FD;
	fildes:	fn(fd: ref FD): ref FD;
	dup:	fn(old, new: ref FD): ref FD;
	close:	fn(fd: ref FD);
	pipe:	fn(): (ref FD, ref FD);

	read:	fn(fd: ref FD, n: int): array of byte;
	readn:	fn(fd: ref FD, n: int): array of byte;
	pread:	fn(fd: ref FD, n: int, offset: big): array of byte;
	write:	fn(fd: ref FD, data: array of byte): int;
	pwrite:	fn(fd: ref FD, data: array of byte, offset: big): int;
	seek:	fn(fd: ref FD, offset: big, start: int): big;
	iounit:	fn(fd: ref FD): int;
	fd2path:	fn(fd: ref FD): string;

	stat:	fn(path: string): Dir;
	fstat:	fn(fd: ref FD): Dir;
	wstat:	fn(path: string, dir: Dir);
	fwstat:	fn(fd: ref FD, dir: Dir);
	dirread:	fn(fd: ref FD): list of Dir;
	remove:	fn(path: string);
	rename:	fn(old, new: string);
	link:	fn(old, new: string);
	symlink:	fn(target, path: string);
	readlink:	fn(path: string): string;

	bind:	fn(name, on: string, flags: int);
	mount:	fn(fd, afd: ref FD, on: string, flags: int, spec: string);
	unmount:	fn(name, on: string);
	chdir:	fn(path: string);
	pctl:	fn(flags: int, keep: list of ref FD): int;

	note:	fn(pid: int, text: string);
	sleep:	fn(ms: int);
	millisec:	fn(): int;
};
