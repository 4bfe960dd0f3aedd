# The system calls, for scripts. A call that fails ends with its error.
Sys: module
{
	PATH:	con "$Sys";

	# open and create
	OREAD, OWRITE, ORDWR, OEXEC:	con iota;
	OTRUNC:	con 16;
	ORCLOSE:	con 64;
	OAPPEND:	con 128;
	OEXCL:	con 16r1000;

	# seek
	START, RELA, END:	con iota;

	# lock
	LREAD, LWRITE, LFREE:	con iota;

	# bind
	MREPL, MBEFORE, MAFTER:	con iota;
	MCREATE:	con 4;

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

	# descriptors; dup to -1 takes the lowest free one
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
	fsync:	fn(fd: ref FD);

	# locks on n bytes from offset, or on all that follow where n is 0: of the descriptor and its copies, until the last is
	# closed; of others, only locks are hindered. lock waits, trylock says whether it was got (1 or 0), and getlock
	# gives the lock that is in the way: kind, offset, n and process, or LFREE and nothing
	lock:	fn(fd: ref FD, kind: int, offset, n: big);
	trylock:	fn(fd: ref FD, kind: int, offset, n: big): int;
	unlock:	fn(fd: ref FD, offset, n: big);
	getlock:	fn(fd: ref FD, kind: int, offset, n: big): (int, big, big, int);
	iounit:	fn(fd: ref FD): int;
	fd2path:	fn(fd: ref FD): string;

	# files; dirread gives no entries at the end
	stat:	fn(path: string): Dir;
	lstat:	fn(path: string): Dir;
	fstat:	fn(fd: ref FD): Dir;
	wstat:	fn(path: string, dir: Dir);
	fwstat:	fn(fd: ref FD, dir: Dir);
	dirread:	fn(fd: ref FD): list of Dir;
	mkdir:	fn(path: string, perm: int);
	remove:	fn(path: string);
	rename:	fn(old, new: string);
	link:	fn(old, new: string);
	symlink:	fn(target, path: string);
	readlink:	fn(path: string): string;

	# the name space; bindmask narrows what is found there to the rights r, w and x of mask,
	# unmount of '' takes off all that is mounted on a place
	bind:	fn(name, on: string, flags: int);
	bindmask:	fn(name, on: string, flags: int, mask: string);
	unmount:	fn(name, on: string);
	chdir:	fn(path: string);
	getwd:	fn(): string;

	# the process; pctl keeps only the given descriptors when flags have NEWFD or FORKFD
	pctl:	fn(flags: int, keep: list of ref FD): int;
	umask:	fn(mask: int): int;
	note:	fn(pid: int, text: string);
	sleep:	fn(ms: int);
	millisec:	fn(): int;
};
