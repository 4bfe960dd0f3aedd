# Network connections, by the files of whatever networks the name space has: see dial(1) for addresses.
Net: module
{
	PATH:	con "$Net";

	# a connection: data, control messages, and the directory of its files
	Connection: adt
	{
		dfd:	ref FD;
		cfd:	ref FD;
		dir:	string;
	};

	# an announcement, or a call that nobody has accepted yet
	Call: adt
	{
		cfd:	ref FD;
		dir:	string;
	};

	Info: adt
	{
		local:	string;
		remote:	string;
		status:	string;
	};

	# local is '' for any address of ours
	dial:	fn(addr, local: string): Connection;
	announce:	fn(addr: string): Call;
	# waits for a call to the announcement dir; accept gives its data
	listen:	fn(dir: string): Call;
	accept:	fn(dir: string): ref FD;
	# ends a call or a connection; with how = write what the peer sends still comes
	hangup:	fn(cfd: ref FD, how: string);
	netinfo:	fn(dir: string): Info;
	# addr with what it does not say; the lines that cs has for it
	netmkaddr:	fn(addr, net, service: string): string;
	cs:	fn(addr: string): list of string;
};
