/* Counts the calls that touch files below a folder, makes one of them (or all from it on) fail, and tells of those that succeed.
   Loaded with LD_PRELOAD; faults_arm() and faults_tell() are called through ctypes. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

enum { OFF, KILL, FULL, BROKEN, SHORT, TORN };

static char folder[4096];
static int mode, seen[4096];
static long at, count;

void faults_arm(const char *path, int kind, long n) {
    strncpy(folder, path, sizeof folder - 1);
    at = n, count = 0, mode = kind;
    memset(seen, 0, sizeof seen);
}

long faults_count(void) { return count; }

/* What a call has done: its kind, the file, where a second name is involved that, the bytes, and the offset, length or flags. */
typedef void teller(const char *kind, int fd, const char *a, const char *b, const void *data, long n, long where);
static teller *told;
void faults_tell(teller *t) { told = t; }
#define TELL(done, kind, fd, a, b, data, n, where) if (told && (done) >= 0) told(kind, fd, a, b, data, n, where);

static int ours(const char *path) { return mode && folder[0] && path && strstr(path, folder) == path; }
static int ours_fd(int fd) { return mode && fd >= 0 && fd < 4096 && seen[fd]; }

/* The error of this call; 0 where it may go on. `grows`: whether it needs room on the disk. */
static int fault(int grows) {
    count++;
    if (mode == KILL && count == at) kill(getpid(), SIGKILL);
    if (mode == FULL && count >= at && grows) return ENOSPC;
    if (mode == BROKEN && count == at) return EIO;
    return 0;
}

#define REAL(name) ((__typeof__(&name))real(#name))
static void *real(const char *name) { return dlsym(RTLD_NEXT, name); }

#define FAIL_IF(condition, grows) \
    if (condition) { int e = fault(grows); if (e) { errno = e; return -1; } }

#define OPEN(name, head, args, where) \
    int name(head const char *path, int flags, ...) { \
        mode_t m = 0; \
        if (flags & (O_CREAT | O_TMPFILE)) { va_list v; va_start(v, flags); m = va_arg(v, mode_t); va_end(v); } \
        int mine = ours(path); \
        FAIL_IF(mine, (flags & O_CREAT) != 0) \
        int fd = REAL(name)(args path, flags, m); \
        if (fd >= 0 && fd < 4096) seen[fd] = mine; \
        if (mine) TELL(fd, "open", fd, path, 0, 0, 0, flags) \
        return fd; \
    }
#define COMMA ,
OPEN(open, , , )
OPEN(open64, , , )
OPEN(openat, int dir COMMA, dir COMMA, )
OPEN(openat64, int dir COMMA, dir COMMA, )

#define WRITE(name, tail, args, where) \
    ssize_t name(int fd, const void *data, size_t n tail) { \
        if (ours_fd(fd)) { \
            int e = fault(1); \
            if (e) { errno = e; return -1; } \
            if ((mode == SHORT || mode == TORN) && count == at && n > 1) { \
                ssize_t done = REAL(name)(fd, data, n / 2 args); \
                if (mode == TORN) kill(getpid(), SIGKILL); \
                return done; \
            } \
        } \
        ssize_t done = REAL(name)(fd, data, n args); \
        if (ours_fd(fd)) TELL(done, "write", fd, 0, 0, data, done, where) \
        return done; \
    }
WRITE(write, , , lseek(fd, 0, SEEK_CUR) - done)
WRITE(pwrite, COMMA off_t o, COMMA o, o)
WRITE(pwrite64, COMMA off64_t o, COMMA o, o)

#define ON_FD(name, grows, tail, args, where) \
    int name(int fd tail) { \
        FAIL_IF(ours_fd(fd), grows) \
        int done = REAL(name)(fd args); \
        if (ours_fd(fd)) TELL(done, grows ? "cut" : "sync", fd, 0, 0, 0, 0, where) \
        return done; \
    }
ON_FD(fsync, 0, , , 0)
ON_FD(fdatasync, 0, , , 0)
ON_FD(ftruncate, 1, COMMA off_t n, COMMA n, n)
ON_FD(ftruncate64, 1, COMMA off64_t n, COMMA n, n)

#define ON_NAMES(name, kind, grows, tail, args, a, b) \
    int name tail { \
        const char *last = b ? b : a; \
        FAIL_IF(ours(last), grows) \
        int done = REAL(name) args; \
        if (ours(last)) TELL(done, kind, -1, a, b, 0, 0, 0) \
        return done; \
    }
#define NONE ((const char *)0)
ON_NAMES(link, "link", 1, (const char *a, const char *b), (a, b), a, b)
ON_NAMES(linkat, "link", 1, (int i, const char *a, int j, const char *b, int f), (i, a, j, b, f), a, b)
ON_NAMES(rename, "rename", 1, (const char *a, const char *b), (a, b), a, b)
ON_NAMES(renameat, "rename", 1, (int i, const char *a, int j, const char *b), (i, a, j, b), a, b)
ON_NAMES(unlink, "unlink", 0, (const char *a), (a), a, NONE)
ON_NAMES(unlinkat, "unlink", 0, (int i, const char *a, int f), (i, a, f), a, NONE)
ON_NAMES(mkdir, "mkdir", 1, (const char *a, mode_t m), (a, m), a, NONE)
ON_NAMES(mkdirat, "mkdir", 1, (int i, const char *a, mode_t m), (i, a, m), a, NONE)
