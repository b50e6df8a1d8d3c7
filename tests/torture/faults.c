/* Counts the calls that touch files below a folder, and makes one of them (or all from it on) fail.
   Loaded with LD_PRELOAD; faults_arm() is called through ctypes. */
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
        return fd; \
    }
#define COMMA ,
OPEN(open, , , )
OPEN(open64, , , )
OPEN(openat, int dir COMMA, dir COMMA, )
OPEN(openat64, int dir COMMA, dir COMMA, )

#define WRITE(name, tail, args) \
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
        return REAL(name)(fd, data, n args); \
    }
WRITE(write, , )
WRITE(pwrite, COMMA off_t o, COMMA o)
WRITE(pwrite64, COMMA off64_t o, COMMA o)

#define ON_FD(name, grows, tail, args) \
    int name(int fd tail) { FAIL_IF(ours_fd(fd), grows) return REAL(name)(fd args); }
ON_FD(fsync, 0, , )
ON_FD(fdatasync, 0, , )
ON_FD(ftruncate, 1, COMMA off_t n, COMMA n)
ON_FD(ftruncate64, 1, COMMA off64_t n, COMMA n)

int link(const char *a, const char *b) { FAIL_IF(ours(b), 1) return REAL(link)(a, b); }
int linkat(int i, const char *a, int j, const char *b, int f) { FAIL_IF(ours(b), 1) return REAL(linkat)(i, a, j, b, f); }
int rename(const char *a, const char *b) { FAIL_IF(ours(b), 1) return REAL(rename)(a, b); }
int renameat(int i, const char *a, int j, const char *b) { FAIL_IF(ours(b), 1) return REAL(renameat)(i, a, j, b); }
int unlink(const char *a) { FAIL_IF(ours(a), 0) return REAL(unlink)(a); }
int unlinkat(int i, const char *a, int f) { FAIL_IF(ours(a), 0) return REAL(unlinkat)(i, a, f); }
int mkdir(const char *a, mode_t m) { FAIL_IF(ours(a), 1) return REAL(mkdir)(a, m); }
int mkdirat(int i, const char *a, mode_t m) { FAIL_IF(ours(a), 1) return REAL(mkdirat)(i, a, m); }
