# Checksums and compression, as zlib has them.
Zip: module
{
	PATH:	con "$Zip";

	# checksums of RFC 1952 and RFC 1950; the 32 bits stand in an int
	crc32:	fn(data: array of byte): int;
	adler32:	fn(data: array of byte): int;

	# a zlib stream (RFC 1950); what inflates to more than 64 MiB is refused
	deflate:	fn(data: array of byte): array of byte;
	inflate:	fn(data: array of byte): array of byte;

	# a gzip file (RFC 1952), of the same limit
	gzip:	fn(data: array of byte): array of byte;
	gunzip:	fn(data: array of byte): array of byte;
};
