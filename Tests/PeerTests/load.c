// load raw unix|tcp                     a ping-pong over a socket: what any server of 9P is measured by
// load 9p unix:PATH|tcp:PORT L|2000 ANAME   the same figures from a server whose tree holds a/b/c/d/f (4 K) and big (64 M)
//
// One line a figure: NAME VALUE, where VALUE is a rate per second or, for streams, megabytes a second. The best of ROUNDS.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { ROUNDS = 5, LEAST = 24, SLOTS = 16, STREAM = 64 << 20 };
enum { Tlopen = 12, Tgetattr = 24, Tversion = 100, Tattach = 104, Twalk = 110, Topen = 112, Tread = 116, Twrite = 118,
	Tclunk = 120, Tstat = 124 };

static uint32_t msize;
static uint8_t *frame, *in;
static size_t have, used; // what was read of `in`, and what of that was taken
static int fd, isL;
static double budget = 0.25; // seconds a round

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec * 1e-9;
}

static void sendAll(const void *bytes, size_t count)
{
	for (const char *p = bytes; count;) {
		ssize_t n = write(fd, p, count);

		if (n <= 0) die("write");
		p += n;
		count -= n;
	}
}

// The next whole frame; the server's replies come many to a read.
static uint8_t *receive(void)
{
	for (;;) {
		uint32_t size;

		if (have - used >= 7) {
			memcpy(&size, in + used, 4);
			if (size < 7 || size > msize) { fprintf(stderr, "load: a frame of %u bytes\n", size); exit(1); }
			if (have - used >= size) {
				used += size;
				return in + used - size;
			}
		}
		if (used) memmove(in, in + used, have -= used), used = 0;
		ssize_t n = read(fd, in + have, 2 * msize - have);

		if (n <= 0) die("read");
		have += n;
	}
}

static uint8_t *p; // where the next field goes

static void begin(int type, uint16_t tag)
{
	p = frame + 4;
	*p++ = type;
	memcpy(p, &tag, 2);
	p += 2;
}

static void put(uint64_t value, int width)
{
	memcpy(p, &value, width);
	p += width;
}

static void string(const char *s)
{
	put(strlen(s), 2);
	memcpy(p, s, strlen(s));
	p += strlen(s);
}

static void end(void)
{
	uint32_t size = p - frame;

	memcpy(frame, &size, 4);
	sendAll(frame, size);
}

static uint16_t tagOf(const uint8_t *reply)
{
	uint16_t tag;

	memcpy(&tag, reply + 5, 2);
	return tag;
}

// A reply of the type that answers `type`.
static uint8_t *answer(int type)
{
	uint8_t *reply = receive();

	if (reply[4] != type + 1) { fprintf(stderr, "load: reply %d to %d\n", reply[4], type); exit(1); }
	return reply;
}

static void dial(const char *address)
{
	int on = 1;

	if (!strncmp(address, "unix:", 5)) {
		struct sockaddr_un a = {.sun_family = AF_UNIX};

		strncpy(a.sun_path, address + 5, sizeof a.sun_path - 1);
		fd = socket(AF_UNIX, SOCK_STREAM, 0);
		if (connect(fd, (void *)&a, sizeof a)) die(address);
	} else {
		struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(atoi(address + 4)),
			.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

		fd = socket(AF_INET, SOCK_STREAM, 0);
		if (connect(fd, (void *)&a, sizeof a)) die(address);
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	}
}

static void session(const char *address, uint32_t wanted, const char *aname)
{
	dial(address);
	msize = wanted + LEAST;
	have = used = 0;
	begin(Tversion, 0xffff);
	put(msize, 4);
	string(isL ? "9P2000.L" : "9P2000");
	end();
	memcpy(&msize, answer(Tversion) + 7, 4);
	begin(Tattach, 1);
	put(0, 4);
	put(~0u, 4);
	string("root");
	string(aname);
	if (isL) put(0, 4);
	end();
	answer(Tattach);
}

static void status(uint16_t tag, uint32_t fid)
{
	begin(isL ? Tgetattr : Tstat, tag);
	put(fid, 4);
	if (isL) put(0x7ff, 8);
	end();
}

static void walk(uint16_t tag, uint32_t fid, int names)
{
	begin(Twalk, tag);
	put(0, 4);
	put(fid, 4);
	put(names, 2);
	if (names == 1) string("big");
	else for (const char *s = "a\0b\0c\0d\0f"; names--; s += 2) string(s);
	end();
}

static void openFile(uint16_t tag, uint32_t fid, int mode)
{
	begin(isL ? Tlopen : Topen, tag);
	put(fid, 4);
	put(mode, isL ? 4 : 1);
	end();
}

static void readFile(uint16_t tag, uint32_t fid, uint64_t offset, uint32_t count)
{
	begin(Tread, tag);
	put(fid, 4);
	put(offset, 8);
	put(count, 4);
	end();
}

static void writeFile(uint16_t tag, uint32_t fid, uint64_t offset, uint32_t count)
{
	begin(Twrite, tag);
	put(fid, 4);
	put(offset, 8);
	put(count, 4);
	p += count;
	end();
}

static void clunk(uint16_t tag, uint32_t fid)
{
	begin(Tclunk, tag);
	put(fid, 4);
	end();
}

// The step of a job: sends its request. A job is a sequence of steps, each begun when the one before is answered.
static const char *const jobs[] = {"s", "wsc", "worc"};
static const char *const jobNames[] = {"null", "stat", "orc"};
enum { openMode = 0 };

static int step(int job, int at, uint16_t slot)
{
	switch (jobs[job][at]) {
	case 's': status(slot, jobs[job][0] == 's' ? 0 : 10 + slot); return isL ? Tgetattr : Tstat;
	case 'w': walk(slot, 10 + slot, 5); return Twalk;
	case 'o': openFile(slot, 10 + slot, openMode); return isL ? Tlopen : Topen;
	case 'r': readFile(slot, 10 + slot, 0, 4096); return Tread;
	case 'c': clunk(slot, 10 + slot); return Tclunk;
	default: return 0;
	}
}

static double rate(int job, int depth)
{
	int at[SLOTS] = {0}, want[SLOTS];
	double start = now(), spent;
	long done = 0;

	for (int i = 0; i < depth; i++) want[i] = step(job, 0, i);
	for (int open = depth; open;) {
		uint8_t *reply = receive();
		int slot = tagOf(reply);

		if (slot >= depth || reply[4] != want[slot] + 1) {
			fprintf(stderr, "load: reply %d on tag %d\n", reply[4], slot);
			exit(1);
		}
		if (!jobs[job][++at[slot]]) {
			done++;
			at[slot] = 0;
			if ((done & 15) == 0 && now() - start > budget) { open--; at[slot] = -1; continue; }
			if (open < depth) { open--; continue; }
		}
		want[slot] = step(job, at[slot], slot);
	}
	spent = now() - start;
	return done / spent;
}

static double stream(int writes, int depth, uint32_t payload)
{
	double start;
	uint64_t sent = 0, got = 0;

	walk(1, 5, 1);
	answer(Twalk);
	openFile(1, 5, writes);
	answer(isL ? Tlopen : Topen);
	start = now();
	while (got < STREAM) {
		while (sent < STREAM && sent - got < (uint64_t)depth * payload) {
			uint32_t count = STREAM - sent < payload ? STREAM - sent : payload;

			(writes ? writeFile : readFile)(sent / payload % SLOTS, 5, sent, count);
			sent += count;
		}
		uint8_t *reply = receive();
		uint32_t n;

		memcpy(&n, reply + 7, 4);
		if (reply[4] != (writes ? Twrite : Tread) + 1 || n == 0) {
			fprintf(stderr, "load: reply %d of %u bytes\n", reply[4], n);
			exit(1);
		}
		got += n;
	}
	start = now() - start;
	clunk(1, 5);
	answer(Tclunk);
	return STREAM / start / 1e6;
}

static const uint32_t payloads[] = {8 << 10, 64 << 10, 128 << 10, 1 << 20};
static const int depths[] = {1, 4};

static void measure(const char *address, const char *aname)
{
	session(address, 64 << 10, aname);
	for (int job = 0; job < 3; job++)
		for (int depth = 1; depth <= SLOTS; depth += SLOTS - 1) {
			double best = 0;

			for (int i = 0; i < ROUNDS; i++) {
				double r = rate(job, depth);

				if (r > best) best = r;
			}
			printf("%s.d%d %.0f\n", jobNames[job], depth, best);
		}
	close(fd);
	for (size_t i = 0; i < sizeof payloads / sizeof *payloads; i++) {
		session(address, payloads[i], aname);
		uint32_t payload = msize - LEAST < payloads[i] ? msize - LEAST : payloads[i];

		for (int writes = 0; writes < 2; writes++)
			for (int d = 0; d < 2; d++) {
				double best = 0;

				for (int k = 0; k < 3; k++) {
					double r = stream(writes, depths[d], payload);

					if (r > best) best = r;
				}
				// A server that gives a smaller msize has no figure for the larger one.
				if (payload + 2 * LEAST >= payloads[i])
					printf("%s.%uK.d%d %.0f\n", writes ? "write" : "read", payloads[i] >> 10, depths[d], best);
			}
		close(fd);
	}
}

// The raw ping-pong's far end: answers `request` bytes with `reply` bytes until the end.
static void echo(int s, size_t request, size_t reply)
{
	char *bytes = calloc(1, request > reply ? request : reply);
	size_t n = 0;

	for (ssize_t got; (got = read(s, bytes, request - n)) > 0;) {
		if ((n += got) < request) continue;
		n = 0;
		for (size_t done = 0; done < reply;) {
			got = write(s, bytes, reply - done);
			if (got <= 0) _exit(0);
			done += got;
		}
	}
	_exit(0);
}

static void connected(const char *kind, int ends[2])
{
	if (!strcmp(kind, "unix")) {
		if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends)) die("socketpair");
		return;
	}
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof a;
	int listener = socket(AF_INET, SOCK_STREAM, 0), on = 1;

	if (bind(listener, (void *)&a, size) || listen(listener, 1) || getsockname(listener, (void *)&a, &size)) die("tcp");
	ends[0] = socket(AF_INET, SOCK_STREAM, 0);
	if (connect(ends[0], (void *)&a, size)) die("connect");
	ends[1] = accept(listener, NULL, NULL);
	close(listener);
	for (int i = 0; i < 2; i++) setsockopt(ends[i], IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

static double pingpong(const char *kind, size_t request, size_t reply, int depth)
{
	char *bytes = calloc(1, request > reply ? request : reply);
	long done = 0, sent = 0;
	size_t n = 0;
	int ends[2];
	double start;
	pid_t child;

	connected(kind, ends);
	if ((child = fork()) == 0) {
		close(ends[0]);
		echo(ends[1], request, reply);
	}
	close(ends[1]);
	fd = ends[0];
	start = now();
	for (;;) {
		int over = now() - start > budget;

		while (!over && sent - done < depth) sendAll(bytes, request), sent++;
		if (sent == done) break;
		ssize_t got = read(fd, bytes, reply - n);

		if (got <= 0) die("read");
		if ((n += got) == reply) n = 0, done++;
	}
	start = now() - start;
	close(fd);
	waitpid(child, NULL, 0);
	free(bytes);
	return done / start;
}

static double best(const char *kind, size_t request, size_t reply, int depth)
{
	double most = 0;

	for (int i = 0; i < ROUNDS; i++) {
		double r = pingpong(kind, request, reply, depth);

		if (r > most) most = r;
	}
	return most;
}

int main(int argc, char **argv)
{
	signal(SIGPIPE, SIG_IGN);
	in = malloc(4 << 20);
	frame = malloc(2 << 20);
	memset(frame, 'x', 2 << 20);
	if (argc == 3 && !strcmp(argv[1], "raw")) {
		printf("pingpong.d1 %.0f\n", best(argv[2], 23, 15, 1));
		for (size_t i = 0; i < sizeof payloads / sizeof *payloads; i++)
			for (int d = 0; d < 2; d++) {
				double size = payloads[i];

				printf("read.%uK.d%d %.0f\n", payloads[i] >> 10, depths[d],
				       best(argv[2], 23, payloads[i] + 11, depths[d]) * size / 1e6);
				printf("write.%uK.d%d %.0f\n", payloads[i] >> 10, depths[d],
				       best(argv[2], payloads[i] + 23, 11, depths[d]) * size / 1e6);
			}
		return 0;
	}
	if (argc != 5 || strcmp(argv[1], "9p")) {
		fprintf(stderr, "usage: load raw unix|tcp; load 9p unix:path|tcp:port L|2000 aname\n");
		return 2;
	}
	isL = !strcmp(argv[3], "L");
	measure(argv[2], argv[4]);
	return 0;
}
