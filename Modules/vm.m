# Views: what this emu has, what a process can reach, and why.
Vm: module
{
	PATH:	con "$Vm";

	# Where a path leads: the path as the name space knows it, the server's device and tree,
	# the rights that all masks on the way leave, and the mounts on the way, the deciding one last.
	Place: adt
	{
		path:	string;
		server:	string;
		mask:	string;
		mounts:	list of string;
	};
	whence:	fn(path: string): Place;

	# the paths of the builtin modules, and one module's signatures
	modules:	fn(): list of string;
	signatures:	fn(path: string): list of string;

	# One line for each way from this name space to a server: rights, server, mount point; '#'
	# stands for device names that may be used directly.
	nsaudit:	fn(): list of string;
};
