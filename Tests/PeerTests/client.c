// client DIRECTORY DIALECT [STEP...]: what a Linux program does with files, one step a line of output: `STEP ok`, or
// `STEP FAIL: why`. DIALECT is 2000 or L: steps that 9P2000 has no message for are left out there.
// Static, so that it runs in a guest that has nothing but a kernel.
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static jmp_buf failed;
static char why[512];

static void fail(int line, const char *format, ...)
{
	int error = errno, n = snprintf(why, sizeof why, "client.c:%d: ", line);
	va_list list;

	va_start(list, format);
	n += vsnprintf(why + n, sizeof why - n, format, list);
	va_end(list);
	snprintf(why + n, sizeof why - n, " (%s)", error ? strerror(error) : "no error");
	longjmp(failed, 1);
}

// Holds, or the step has failed.
#define must(e) do { errno = 0; if (!(e)) fail(__LINE__, "%s", #e); } while (0)
// Fails with that error, or the step has failed.
#define refuses(e, error) do { errno = 0; if ((e) != -1 || errno != (error)) fail(__LINE__, "%s should be refused", #e); } while (0)

static unsigned seed = 1;

static unsigned chance(unsigned below)
{
	seed = seed * 1664525 + 1013904223;
	return (unsigned)((unsigned long long)seed * below >> 32);
}

static void fill(char *bytes, size_t count, unsigned from)
{
	unsigned saved = seed;

	for (seed = from; count--;)
		*bytes++ = chance(256);
	seed = saved;
}

static void put(const char *name, const char *text)
{
	int fd;

	must((fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0644)) >= 0);
	must(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	must(close(fd) == 0);
}

static void holds(const char *name, const char *text)
{
	char bytes[4096];
	ssize_t n;
	int fd;

	must((fd = open(name, O_RDONLY)) >= 0);
	must((n = read(fd, bytes, sizeof bytes)) >= 0);
	must(close(fd) == 0);
	if (n != (ssize_t)strlen(text) || memcmp(bytes, text, n))
		fail(__LINE__, "%s holds %zd bytes, not '%s'", name, n, text);
}

static int count(const char *directory)
{
	struct dirent *entry;
	DIR *d;
	int n = 0;

	must((d = opendir(directory)) != NULL);
	while ((entry = readdir(d)))
		n += strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..");
	closedir(d);
	return n;
}

static void list(void)
{
	char name[64];

	must(mkdir("many", 0755) == 0);
	for (int i = 0; i < 500; i++) {
		snprintf(name, sizeof name, "many/a-name-that-takes-some-room-%04d", i);
		put(name, "x");
	}
	must(count("many") == 500);
	for (int i = 0; i < 500; i += 2) {
		snprintf(name, sizeof name, "many/a-name-that-takes-some-room-%04d", i);
		must(unlink(name) == 0);
	}
	must(count("many") == 250);
}

static void transfer(void)
{
	enum { size = 20 << 20, block = 100000 };
	char *bytes = malloc(size), *back = malloc(size);
	ssize_t n, got = 0;
	int fd;

	fill(bytes, size, 7);
	must((fd = open("big", O_RDWR | O_CREAT, 0644)) >= 0);
	for (size_t done = 0; done < size; done += n)
		must((n = write(fd, bytes + done, size - done < block ? size - done : block)) > 0);
	must(fsync(fd) == 0);
	must(close(fd) == 0);
	must((fd = open("big", O_RDONLY)) >= 0);
	while ((n = read(fd, back + got, got + block < size ? block : size - got)) > 0)
		got += n;
	must(got == size);
	must(memcmp(bytes, back, size) == 0);
	must(pread(fd, back, 10, size + 5) == 0);
	must(pread(fd, back, 100, size - 50) == 50);
	must(close(fd) == 0);
	free(bytes);
	free(back);
}

static void create(void)
{
	struct stat s;
	int fd;

	must((fd = open("new", O_WRONLY | O_CREAT | O_EXCL, 0640)) >= 0);
	must(fstat(fd, &s) == 0 && s.st_size == 0 && S_ISREG(s.st_mode) && (s.st_mode & 0777) == 0640);
	must(close(fd) == 0);
	refuses(open("new", O_WRONLY | O_CREAT | O_EXCL, 0640), EEXIST);
	refuses(open("absent", O_RDONLY), ENOENT);
	refuses(open("absent/new", O_WRONLY | O_CREAT, 0640), ENOENT);
	refuses(open("new/below", O_RDONLY), ENOTDIR);
	must(mkdir("dir", 0750) == 0);
	must(stat("dir", &s) == 0 && S_ISDIR(s.st_mode) && (s.st_mode & 0777) == 0750);
	refuses(mkdir("dir", 0750), EEXIST);
	put("truncated", "long text");
	put("truncated", "short");
	holds("truncated", "short");
}

static void names(void)
{
	char name[300];

	memset(name, 'n', sizeof name);
	name[255] = 0;
	put(name, "255");
	holds(name, "255");
	must(unlink(name) == 0);
	put("späte Größe \xe2\x82\xac", "utf-8");
	holds("späte Größe \xe2\x82\xac", "utf-8");
	put(" blank and 'quote' ", "odd");
	holds(" blank and 'quote' ", "odd");
	must(mkdir("deep", 0755) == 0 && chdir("deep") == 0);
	for (int i = 0; i < 60; i++)
		must(mkdir("d", 0755) == 0 && chdir("d") == 0);
	put("bottom", "here");
	for (int i = 0; i < 61; i++)
		must(chdir("..") == 0);
	must(access("deep/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d", F_OK) == 0);
}

static void renames(void)
{
	must(mkdir("r", 0755) == 0 && mkdir("r/one", 0755) == 0);
	put("r/a", "a");
	must(rename("r/a", "r/b") == 0);
	refuses(access("r/a", F_OK), ENOENT);
	holds("r/b", "a");
	must(rename("r/one", "r/two") == 0);
	put("r/two/in", "in");
	must(rename("r/two", "r/three") == 0);
	holds("r/three/in", "in");
	refuses(rename("r/absent", "r/x"), ENOENT);
}

static void renamesOver(void)
{
	must(mkdir("ro", 0755) == 0 && mkdir("ro/d", 0755) == 0 && mkdir("ro/full", 0755) == 0);
	put("ro/a", "a");
	put("ro/d/a", "other");
	put("ro/full/x", "x");
	must(rename("ro/a", "ro/d/a") == 0);
	holds("ro/d/a", "a");
	must(rename("ro/d/a", "ro/up") == 0);
	holds("ro/up", "a");
	refuses(rename("ro/d", "ro/full"), ENOTEMPTY);
	refuses(rename("ro/full", "ro/up"), ENOTDIR);
	must(rename("ro/full", "ro/d") == 0);
	holds("ro/d/x", "x");
}

static void removes(void)
{
	char bytes[16];
	struct stat s;
	int fd;

	must(mkdir("rm", 0755) == 0);
	put("rm/f", "kept while open");
	refuses(rmdir("rm"), ENOTEMPTY);
	must((fd = open("rm/f", O_RDWR)) >= 0);
	must(unlink("rm/f") == 0);
	refuses(access("rm/f", F_OK), ENOENT);
	must(read(fd, bytes, 4) == 4 && !memcmp(bytes, "kept", 4));
	must(pwrite(fd, "more", 4, 0) == 4);
	must(pread(fd, bytes, 4, 0) == 4 && !memcmp(bytes, "more", 4));
	must(close(fd) == 0);
	must(rmdir("rm") == 0);
	refuses(unlink("rm"), ENOENT);
	put("again", "1");
	must(stat("again", &s) == 0);
	must(unlink("again") == 0);
	put("again", "22");
	must(stat("again", &s) == 0 && s.st_size == 2);
}

// What has no name any more can be asked and cut.
static void removed(void)
{
	struct stat s;
	int fd;

	put("gone", "kept while open");
	must((fd = open("gone", O_RDWR)) >= 0);
	must(unlink("gone") == 0);
	must(fstat(fd, &s) == 0 && s.st_size == 15);
	must(ftruncate(fd, 4) == 0);
	must(fstat(fd, &s) == 0 && s.st_size == 4);
	must(close(fd) == 0);
}

static void attributes(void)
{
	struct timespec times[2] = {{1000000000, 0}, {1234567890, 0}};
	struct stat s;

	put("s", "12345");
	must(stat("s", &s) == 0 && s.st_size == 5 && s.st_nlink >= 1 && S_ISREG(s.st_mode));
	must(chmod("s", 0604) == 0);
	must(stat("s", &s) == 0 && (s.st_mode & 0777) == 0604);
	must(utimensat(AT_FDCWD, "s", times, 0) == 0);
	must(stat("s", &s) == 0 && s.st_mtime == 1234567890);
	must(truncate("s", 3) == 0);
	holds("s", "123");
	must(truncate("s", 8) == 0);
	must(stat("s", &s) == 0 && s.st_size == 8);
}

static void appends(void)
{
	int fd;

	put("app", "one");
	must((fd = open("app", O_WRONLY | O_APPEND)) >= 0);
	must(write(fd, "two", 3) == 3 && write(fd, "three", 5) == 5);
	must(close(fd) == 0);
	holds("app", "onetwothree");
}

static void links(void)
{
	char target[64];
	struct stat s;

	put("target", "by the link");
	must(symlink("target", "soft") == 0);
	must(readlink("soft", target, sizeof target) == 6 && !memcmp(target, "target", 6));
	must(lstat("soft", &s) == 0 && S_ISLNK(s.st_mode));
	holds("soft", "by the link");
	must(link("target", "hard") == 0);
	must(stat("hard", &s) == 0 && s.st_nlink == 2);
	holds("hard", "by the link");
	must(unlink("target") == 0);
	holds("hard", "by the link");
	refuses(open("soft", O_RDONLY), ENOENT);
}

static void nanoseconds(void)
{
	struct timespec times[2] = {{1000000000, 111}, {1234567890, 987654321}};
	struct stat s;

	put("ns", "x");
	must(utimensat(AT_FDCWD, "ns", times, 0) == 0);
	must(stat("ns", &s) == 0 && s.st_mtim.tv_nsec == 987654321);
}

static void room(void)
{
	struct statvfs v;

	must(statvfs(".", &v) == 0 && v.f_bsize > 0 && v.f_blocks > 0);
}

static void locks(void)
{
	struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	int fd, status;
	pid_t child;

	put("lock", "0123456789");
	must((fd = open("lock", O_RDWR)) >= 0);
	must(fcntl(fd, F_SETLK, &whole) == 0);
	must((child = fork()) >= 0);
	if (child == 0) {
		struct flock probe = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
		int other = open("lock", O_RDWR);

		if (fcntl(other, F_SETLK, &probe) != -1 || (errno != EAGAIN && errno != EACCES)) _exit(1);
		if (fcntl(other, F_GETLK, &probe) || probe.l_type != F_WRLCK) _exit(2);
		_exit(0);
	}
	must(waitpid(child, &status, 0) == child);
	if (status) fail(__LINE__, "the other process ended with %x", status);
	whole.l_type = F_UNLCK;
	must(fcntl(fd, F_SETLK, &whole) == 0);
	must(close(fd) == 0);
}

// Random reads, writes and changes of length against a copy in memory, as fsx does.
static void exercise(void)
{
	enum { most = 300000, block = 40000 };
	char *model = calloc(1, most), *bytes = malloc(block);
	size_t length = 0, offset, size;
	int fd;

	seed = 11;
	must((fd = open("fsx", O_RDWR | O_CREAT, 0644)) >= 0);
	for (int i = 0; i < 1500; i++) {
		offset = chance(most - block);
		size = chance(block);
		switch (chance(10)) {
		case 0:
			must(ftruncate(fd, offset) == 0);
			if (offset < length) memset(model + offset, 0, length - offset);
			length = offset;
			break;
		case 1:
			must(close(fd) == 0);
			must((fd = open("fsx", O_RDWR)) >= 0);
			break;
		case 2: case 3: case 4: case 5:
			fill(bytes, size, i);
			must(pwrite(fd, bytes, size, offset) == (ssize_t)size);
			memcpy(model + offset, bytes, size);
			if (size && offset + size > length) length = offset + size;
			break;
		default: {
			ssize_t want = offset >= length ? 0 : length - offset < size ? length - offset : size;

			must(pread(fd, bytes, size, offset) == want);
			if (memcmp(bytes, model + offset, want)) fail(__LINE__, "operation %d read other bytes", i);
		}
		}
	}
	must(close(fd) == 0);
	free(model);
	free(bytes);
}

// Random changes of names against a model, as fsstress does.
static void stress(void)
{
	enum { slots = 40 };
	int there[slots] = {0};
	char a[32], b[32];

	seed = 13;
	must(mkdir("stress", 0755) == 0);
	for (int i = 0; i < 800; i++) {
		int x = chance(slots), y = chance(slots);

		snprintf(a, sizeof a, "stress/%d", x);
		snprintf(b, sizeof b, "stress/%d", y);
		switch (chance(4)) {
		case 0:
			put(a, a);
			there[x] = 1;
			break;
		case 1:
			if (there[x]) must(unlink(a) == 0);
			else refuses(unlink(a), ENOENT);
			there[x] = 0;
			break;
		case 2:
			if (x == y || there[y]) break; // 9P2000 renames over nothing
			if (!there[x]) { refuses(rename(a, b), ENOENT); break; }
			must(rename(a, b) == 0);
			there[x] = 0;
			there[y] = 1;
			break;
		default:
			errno = 0;
			if ((access(a, F_OK) == 0) != there[x]) fail(__LINE__, "%s should%s be there", a, there[x] ? "" : " not");
		}
	}
	int want = 0;

	for (int i = 0; i < slots; i++) want += there[i];
	must(count("stress") == want);
}

// Eight processes write their own blocks of one file, then all of it is read.
static void writers(void)
{
	enum { each = 8, rounds = 60, block = 5000 };
	char bytes[block], back[block];
	int fd, status;

	put("shared", "");
	for (int w = 0; w < each; w++) {
		pid_t child = fork();

		must(child >= 0);
		if (child) continue;
		fd = open("shared", O_WRONLY);
		for (int i = 0; i < rounds; i++) {
			fill(bytes, block, i * each + w);
			if (pwrite(fd, bytes, block, (off_t)(i * each + w) * block) != block) _exit(1);
		}
		_exit(close(fd) != 0);
	}
	for (int w = 0; w < each; w++) {
		must(wait(&status) > 0);
		if (status) fail(__LINE__, "a writer ended with %x", status);
	}
	must((fd = open("shared", O_RDONLY)) >= 0);
	for (int i = 0; i < rounds * each; i++) {
		fill(bytes, block, i);
		must(read(fd, back, block) == block);
		if (memcmp(bytes, back, block)) fail(__LINE__, "block %d is another's", i);
	}
	must(close(fd) == 0);
}

static void mapped(void)
{
	char *bytes;
	int fd;

	put("map", "mapped bytes");
	must((fd = open("map", O_RDONLY)) >= 0);
	must((bytes = mmap(NULL, 12, PROT_READ, MAP_PRIVATE, fd, 0)) != MAP_FAILED);
	must(memcmp(bytes, "mapped bytes", 12) == 0);
	must(munmap(bytes, 12) == 0);
	must(close(fd) == 0);
}

static const struct { const char *name; void (*run)(void); int l; } steps[] = {
	{"list", list, 0}, {"transfer", transfer, 0}, {"create", create, 0}, {"names", names, 0},
	{"rename", renames, 0}, {"rename-over", renamesOver, 1}, {"remove", removes, 0}, {"fstat-removed", removed, 0}, {"stat", attributes, 0},
	{"append", appends, 0}, {"links", links, 1}, {"nanoseconds", nanoseconds, 1},
	{"statfs", room, 1}, {"lock", locks, 1},
	{"fsx", exercise, 0}, {"stress", stress, 0}, {"writers", writers, 0}, {"mmap", mapped, 0},
};

int main(int argc, char **argv)
{
	int bad = 0, dialectL = argc > 2 && !strcmp(argv[2], "L");

	umask(0);
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc < 3 || chdir(argv[1])) {
		fprintf(stderr, "usage: client directory 2000|L [step ...]: %s\n", strerror(errno));
		return 2;
	}
	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
		int wanted = argc == 3;

		for (int j = 3; j < argc; j++) wanted |= !strcmp(argv[j], steps[i].name);
		if (!wanted || (steps[i].l && !dialectL)) continue;
		if (chdir(argv[1])) return 2;
		if (setjmp(failed) == 0) {
			steps[i].run();
			printf("%s ok\n", steps[i].name);
		} else {
			printf("%s FAIL: %s\n", steps[i].name, why);
			bad = 1;
		}
	}
	return bad;
}
